<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<!-- Glossary. fine-tuning 微调; adapter 适配器; base (model) 基座（模型）; rank 秩; alpha 缩放系数; learning rate 学习率;
warm-up 预热; schedule 调度; epoch 轮; step 步; batch size 批大小; accumulation 梯度累积; gradient norm 梯度范数;
gradient clipping 梯度裁剪; weight decay 权重衰减; loss 损失; evaluation loss 评估损失; early stopping 早停;
checkpoint 检查点; activation checkpointing 激活重计算; token 词元; tokenizer 分词器; row 行; packing 序列打包;
chat template 对话模板; quantization 量化; target modules 目标模块; sampling 采样; seed 随机种子; run 训练任务;
library 适配器库; preset 预设; trash 回收站; helper process 辅助进程. Settings' values and keys of the YAML stay English. -->
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>AdapterCard</name>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>What you want to remember of it</source>
        <translation>想记住的内容</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Show its run</source>
        <translation>查看训练任务</translation>
    </message>
    <message>
        <source>Train further</source>
        <translation>继续训练</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Export...</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Where the two differ</source>
        <translation>两者的差别</translation>
    </message>
    <message>
        <source>Compare them with the base</source>
        <translation>将它们与基座对比</translation>
    </message>
    <message>
        <source>Strength...</source>
        <translation>强度…</translation>
    </message>
    <message>
        <source>Mix them...</source>
        <translation>混合…</translation>
    </message>
    <message>
        <source>Delete them</source>
        <translation>删除它们</translation>
    </message>
    <message>
        <source>Compare it with its base</source>
        <translation>与其基座对比</translation>
    </message>
    <message>
        <source>Let it go on learning, from other data or by another objective</source>
        <translation>让它用其他数据或其他目标继续学习</translation>
    </message>
    <message>
        <source>It is a whole model. To go on with it, choose its folder as the base model of a run.</source>
        <translation>这是一个完整模型。要在它的基础上继续，请把它的文件夹选作一次训练的基础模型。</translation>
    </message>
    <message>
        <source>A whole model answers as it was trained or not at all.</source>
        <translation>完整模型只能按训练出来的样子回答，没有强弱可调。</translation>
    </message>
    <message>
        <source>{count} chosen</source>
        <translation>已选 {count} 个</translation>
    </message>
    <message>
        <source>{count} adapters</source>
        <translation>{count} 个适配器</translation>
    </message>
    <message>
        <source>A whole model cannot be added up.</source>
        <translation>完整模型不能相加。</translation>
    </message>
    <message>
        <source>Choose two adapters for this.</source>
        <translation>请为此选择两个适配器。</translation>
    </message>
    <message>
        <source>Tags</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>Adapters</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>Eval loss</source>
        <translation>评估损失</translation>
    </message>
    <message>
        <source>Base</source>
        <translation>基座</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Begun with</source>
        <translation>起始适配器</translation>
    </message>
    <message>
        <source>Made</source>
        <translation>创建时间</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>A whole model</source>
        <translation>完整模型</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>秩</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>{rate} behind step {step}</source>
        <translation>第 {step} 步之后 {rate}</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Reward accuracy</source>
        <translation>奖励准确率</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>Checksum</source>
        <translation>校验和</translation>
    </message>
</context>
<context>
    <name>AdapterTable</name>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Base</source>
        <translation>基座</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Date</source>
        <translation>日期</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>秩</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Eval loss</source>
        <translation>评估损失</translation>
    </message>
</context>
<context>
    <name>AnswerColumn</name>
    <message>
        <source>Answer of {name}</source>
        <translation>{name} 的回答</translation>
    </message>
    <message>
        <source>base</source>
        <translation>基座</translation>
    </message>
    <message>
        <source>adapter</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Copy the answer of {name}</source>
        <translation>复制 {name} 的回答</translation>
    </message>
    <message>
        <source>Look at the answer of {name} token by token</source>
        <translation>逐词元查看 {name} 的回答</translation>
    </message>
    <message>
        <source>Waiting ...</source>
        <translation>等待中…</translation>
    </message>
    <message>
        <source>Writing ...</source>
        <translation>正在生成…</translation>
    </message>
    <message>
        <source>{count} token</source>
        <translation>{count} 个词元</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
    </message>
    <message>
        <source>{n} s</source>
        <translation>{n} 秒</translation>
    </message>
    <message>
        <source>cut at the longest answer</source>
        <translation>达到最长回答长度而截断</translation>
    </message>
    <message>
        <source>Ended early</source>
        <translation>提前结束</translation>
    </message>
    <message>
        <source>No answer</source>
        <translation>没有回答</translation>
    </message>
</context>
<context>
    <name>AskPanel</name>
    <message>
        <source>Choose a model folder</source>
        <translation>选择模型文件夹</translation>
    </message>
    <message>
        <source>Adapters to ask</source>
        <translation>参与回答的适配器</translation>
    </message>
    <message>
        <source>Strength of the adapter</source>
        <translation>适配器的强度</translation>
    </message>
    <message>
        <source>0: the base itself; 1: as it was trained; a double click sets it to that</source>
        <translation>0：就是基础模型；1：与训练时相同；双击恢复为 1</translation>
    </message>
    <message>
        <source>Adapters</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>System instruction</source>
        <translation>系统指令</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Empty: each adapter is asked with the one that it learned with, the base with none</source>
        <translation>留空：每个适配器都以其学习时的系统指令来提问，基础模型则没有</translation>
    </message>
    <message>
        <source>Base model</source>
        <translation>基座模型</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>采样</translation>
    </message>
    <message>
        <source>Reset sampling</source>
        <translation>重置采样参数</translation>
    </message>
    <message>
        <source>No adapters yet. Train one, or add one in the Library; the base can answer alone.</source>
        <translation>还没有适配器。请训练一个，或在“适配器库”中添加；基座模型也可以单独回答。</translation>
    </message>
    <message>
        <source>Strength of {name}: {strength}</source>
        <translation>{name} 的强度：{strength}</translation>
    </message>
    <message>
        <source>Adapters ({count} chosen)</source>
        <translation>适配器（已选 {count} 个）</translation>
    </message>
    <message>
        <source>As learned: {text}</source>
        <translation>与学习时相同：{text}</translation>
    </message>
    <message>
        <source>The built-in model, a folder, or a Hugging Face id such as owner/model</source>
        <translation>内置模型、文件夹，或 Hugging Face 模型 ID（如 owner/model）</translation>
    </message>
    <message>
        <source>Built-in model</source>
        <translation>内置模型</translation>
    </message>
    <message>
        <source>Base: {path}</source>
        <translation>基座：{path}</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>A whole model, which answers by its own weights</source>
        <translation>完整模型，用它自己的权重回答</translation>
    </message>
</context>
<context>
    <name>Asking</name>
    <message>
        <source>Holds rows back for evaluation. Equal rows are always on the same side.</source>
        <translation>留出一部分行用于评估。相同的行总在同一侧。</translation>
    </message>
    <message>
        <source>Split</source>
        <translation>划分</translation>
    </message>
    <message>
        <source>Share for evaluation, in %</source>
        <translation>评估所占比例（%）</translation>
    </message>
    <message>
        <source>The same share in each</source>
        <translation>各组比例相同，分组依据</translation>
    </message>
    <message>
        <source>(nothing)</source>
        <translation>（不分组）</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
    </message>
    <message>
        <source>split</source>
        <translation>划分</translation>
    </message>
    <message>
        <source>Deduplicate</source>
        <translation>去重</translation>
    </message>
    <message>
        <source>Keeps the first of the rows that are equal.</source>
        <translation>相同的行只保留第一行。</translation>
    </message>
    <message>
        <source>the whole row</source>
        <translation>整行</translation>
    </message>
    <message>
        <source>the prompt</source>
        <translation>提示</translation>
    </message>
    <message>
        <source>the answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Equal in</source>
        <translation>相同的依据</translation>
    </message>
    <message>
        <source>deduplicate</source>
        <translation>去重</translation>
    </message>
    <message>
        <source>Sample</source>
        <translation>抽样</translation>
    </message>
    <message>
        <source>Keeps some rows, drawn by the seed.</source>
        <translation>按随机种子抽取并保留一部分行。</translation>
    </message>
    <message>
        <source>Rows</source>
        <translation>数据行</translation>
    </message>
    <message>
        <source>sample</source>
        <translation>抽样</translation>
    </message>
    <message>
        <source>Keeps the same number of rows of each group.</source>
        <translation>每组保留相同数量的行。</translation>
    </message>
    <message>
        <source>Balance</source>
        <translation>均衡</translation>
    </message>
    <message>
        <source>Groups by</source>
        <translation>分组依据</translation>
    </message>
    <message>
        <source>Rows of each</source>
        <translation>每组行数</translation>
    </message>
    <message>
        <source>as the smallest</source>
        <translation>与最小的组相同</translation>
    </message>
    <message>
        <source>balance</source>
        <translation>均衡</translation>
    </message>
    <message>
        <source>Mix with</source>
        <translation>混合其他数据</translation>
    </message>
    <message>
        <source>Makes a new version with rows of all, spread evenly over an epoch. Only the ratio of the shares counts.</source>
        <translation>用所有文件的行创建一个新版本，均匀分布在一轮中。只有份额的比例起作用。</translation>
    </message>
    <message>
        <source>Mix</source>
        <translation>混合</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Share of {name}</source>
        <translation>{name} 的份额</translation>
    </message>
    <message>
        <source>no row comes twice</source>
        <translation>没有行重复出现</translation>
    </message>
    <message>
        <source>every row comes once</source>
        <translation>每一行都出现</translation>
    </message>
    <message>
        <source>An epoch is so long that</source>
        <translation>一轮的长度使得</translation>
    </message>
    <message>
        <source>length</source>
        <translation>长度</translation>
    </message>
    <message>
        <source>turns</source>
        <translation>对话轮次</translation>
    </message>
    <message>
        <source>tag</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>source file</source>
        <translation>来源文件</translation>
    </message>
</context>
<context>
    <name>AuditView</name>
    <message>
        <source>Audit this dataset</source>
        <translation>审查此数据集</translation>
    </message>
    <message>
        <source>Every row is looked at as the chosen model will read it: answers that are cut or never end, duplicates, leaks into the evaluation, broken encoding, secrets and more. The file is not changed.</source>
        <translation>按所选模型读取的方式检查每一行：被截断或没有结束的回答、重复、泄漏到评估中的数据、损坏的编码、机密信息等。文件不会被修改。</translation>
    </message>
    <message>
        <source>What is in this data?</source>
        <translation>这份数据里有什么？</translation>
    </message>
    <message>
        <source>Audit again</source>
        <translation>重新审查</translation>
    </message>
    <message>
        <source>unclear</source>
        <translation>不明</translation>
    </message>
    <message>
        <source>Rows: {rows}. Kinds of findings: {n}. Languages: {languages}.</source>
        <translation>共 {rows} 行，发现 {n} 类问题。语言：{languages}。</translation>
    </message>
    <message>
        <source>Rows: {rows}. Nothing was found. Languages: {languages}.</source>
        <translation>共 {rows} 行，未发现问题。语言：{languages}。</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>done</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Show the rows</source>
        <translation>显示这些行</translation>
    </message>
    <message>
        <source>Show the rows: {title}</source>
        <translation>显示这些行：{title}</translation>
    </message>
    <message>
        <source>Undo: {title}</source>
        <translation>撤销：{title}</translation>
    </message>
    <message>
        <source>serious</source>
        <translation>严重</translation>
    </message>
    <message>
        <source>worth a look</source>
        <translation>值得查看</translation>
    </message>
    <message>
        <source>to know</source>
        <translation>供参考</translation>
    </message>
    <message>
        <source>Leave these rows out</source>
        <translation>排除这些行</translation>
    </message>
    <message>
        <source>Put stand-ins there</source>
        <translation>替换为占位文本</translation>
    </message>
    <message>
        <source>Mend the text</source>
        <translation>修复文本</translation>
    </message>
    <message>
        <source>Audit</source>
        <translation>审查</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Findings</source>
        <translation>发现的问题</translation>
    </message>
</context>
<context>
    <name>BlindMode</name>
    <message>
        <source>Save as preference data</source>
        <translation>另存为偏好数据</translation>
    </message>
    <message>
        <source>Neither answer is better</source>
        <translation>两个回答一样好</translation>
    </message>
    <message>
        <source>The left answer is better</source>
        <translation>左边的回答更好</translation>
    </message>
    <message>
        <source>The right answer is better</source>
        <translation>右边的回答更好</translation>
    </message>
    <message>
        <source>Take the last vote back</source>
        <translation>撤回上一票</translation>
    </message>
    <message>
        <source>Which answer is better?</source>
        <translation>哪个回答更好？</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Left answer</source>
        <translation>左边的回答</translation>
    </message>
    <message>
        <source>Right answer</source>
        <translation>右边的回答</translation>
    </message>
    <message>
        <source>Left (1)</source>
        <translation>左边 (1)</translation>
    </message>
    <message>
        <source>As good (0)</source>
        <translation>一样好 (0)</translation>
    </message>
    <message>
        <source>Right (2)</source>
        <translation>右边 (2)</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Who wins</source>
        <translation>谁胜出</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Broken off at the longest answer</source>
        <translation>在最长回答处截断</translation>
    </message>
    <message>
        <source>Judge on</source>
        <translation>继续评判</translation>
    </message>
    <message>
        <source>Save as preference data...</source>
        <translation>另存为偏好数据…</translation>
    </message>
    <message>
        <source>No whole answer was judged better than another yet.</source>
        <translation>还没有完整的回答被评为更好。</translation>
    </message>
    <message>
        <source>{done} of {total} judged</source>
        <translation>已评判 {done} / {total}</translation>
    </message>
    <message>
        <source>{count} prompt is still to be answered.</source>
        <translation>还有 {count} 个提示待回答。</translation>
    </message>
    <message>
        <source>{count} prompts are still to be answered.</source>
        <translation>还有 {count} 个提示待回答。</translation>
    </message>
</context>
<context>
    <name>BlindSetup</name>
    <message>
        <source>One prompt a line</source>
        <translation>每行一个提示</translation>
    </message>
    <message>
        <source>Prompts</source>
        <translation>提示</translation>
    </message>
    <message>
        <source>Or rows of a data file</source>
        <translation>或数据文件中的行</translation>
    </message>
    <message>
        <source>Data file</source>
        <translation>数据文件</translation>
    </message>
    <message>
        <source>Rows to ask</source>
        <translation>要提问的行数</translation>
    </message>
    <message>
        <source>The base takes part</source>
        <translation>基础模型也参加</translation>
    </message>
    <message>
        <source>Begin</source>
        <translation>开始</translation>
    </message>
    <message>
        <source>Choose a data file</source>
        <translation>选择数据文件</translation>
    </message>
    <message>
        <source>Rows</source>
        <translation>数据行</translation>
    </message>
    <message>
        <source>Two answers at a time, without their names: say which is better. At the end you see who wins, and by how much it could be chance. The votes can be learned from.</source>
        <translation>每次两个回答，不显示名称：选出更好的一个。最后可以看到谁胜出，以及有多大可能只是巧合。投票结果可以用来训练。</translation>
    </message>
    <message>
        <source>Blind tests</source>
        <translation>盲测</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Move to the trash</source>
        <translation>移到回收站</translation>
    </message>
    <message>
        <source>Bring it back</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>{count} prompt</source>
        <translation>{count} 个提示</translation>
    </message>
    <message>
        <source>{count} prompts</source>
        <translation>{count} 个提示</translation>
    </message>
    <message>
        <source>Base model</source>
        <translation>基座模型</translation>
    </message>
    <message>
        <source>The file is being read.</source>
        <translation>正在读取文件。</translation>
    </message>
    <message>
        <source>Choose a base model first.</source>
        <translation>请先选择基座模型。</translation>
    </message>
    <message>
        <source>Choose adapters on the left: two answers are needed.</source>
        <translation>请在左侧选择适配器：需要两个回答。</translation>
    </message>
    <message>
        <source>Write prompts, or name a data file.</source>
        <translation>请写出提示，或指定数据文件。</translation>
    </message>
</context>
<context>
    <name>BranchModel</name>
    <message>
        <source>Module</source>
        <translation>模块</translation>
    </message>
    <message>
        <source>Shape</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>Trained</source>
        <translation>训练方式</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>秩</translation>
    </message>
    <message>
        <source>Alpha</source>
        <translation>Alpha（缩放系数）</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>whole</source>
        <translation>完整训练</translation>
    </message>
    <message>
        <source>tied</source>
        <translation>共享权重</translation>
    </message>
    <message>
        <source>It shares its weight with the other end of the model; an adapter would change only one.</source>
        <translation>它与模型另一端共享权重；适配器只会改变其中一端。</translation>
    </message>
    <message>
        <source>like experts</source>
        <translation>与专家同名</translation>
    </message>
    <message>
        <source>PEFT takes its name to mean this model&apos;s experts.</source>
        <translation>PEFT 会把它的名称当作该模型的专家。</translation>
    </message>
    <message>
        <source>not now</source>
        <translation>目前不可</translation>
    </message>
    <message>
        <source>Experts take no dropout and no DoRA, and begin as default or gaussian.</source>
        <translation>专家不支持 dropout 和 DoRA，且只能以 default 或 gaussian 开始。</translation>
    </message>
    <message>
        <source>The start of the update that is chosen needs linear layers, and this is none.</source>
        <translation>所选的更新起点需要线性层，而它不是线性层。</translation>
    </message>
    <message>
        <source>{method} goes on plain linear layers, and this is none.</source>
        <translation>{method} 用于普通的线性层，而这不是。</translation>
    </message>
    <message>
        <source>LoRA goes on linear layers and embeddings, and this is none.</source>
        <translation>LoRA 只能加在线性层和嵌入层上，而它两者都不是。</translation>
    </message>
    <message>
        <source>It can be trained whole.</source>
        <translation>它可以完整训练。</translation>
    </message>
    <message>
        <source>not linear</source>
        <translation>非线性层</translation>
    </message>
    <message>
        <source>As the branch above; type a number to give this one its own.</source>
        <translation>与上级分支相同；输入数字可为其单独设置。</translation>
    </message>
    <message>
        <source>Its own; delete it to have that of the branch above.</source>
        <translation>单独设置的值；删除后沿用上级分支的值。</translation>
    </message>
</context>
<context>
    <name>BranchView</name>
    <message>
        <source>The model&apos;s modules</source>
        <translation>模型的模块</translation>
    </message>
</context>
<context>
    <name>CapacityTable</name>
    <message>
        <source>QLoRA</source>
        <translation>QLoRA</translation>
    </message>
    <message>
        <source>An adapter on a base held in 4 bits</source>
        <translation>在以 4 位存放的基座上训练适配器</translation>
    </message>
    <message>
        <source>LoRA</source>
        <translation>LoRA</translation>
    </message>
    <message>
        <source>An adapter on a base held in 16 bits, on a processor in 32</source>
        <translation>在以 16 位（处理器上为 32 位）存放的基座上训练适配器</translation>
    </message>
    <message>
        <source>Full</source>
        <translation>全量</translation>
    </message>
    <message>
        <source>All weights are trained, no adapter</source>
        <translation>训练全部权重，不用适配器</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>{count} billion</source>
        <translation>{count}B</translation>
    </message>
    <message>
        <source>Green: a usual run fits into {room} GB. Amber: only one of short rows and small batches.</source>
        <translation>绿色：通常的训练任务可放入 {room} GB。琥珀色：仅适合短数据行和小批大小的训练任务。</translation>
    </message>
    <message>
        <source>Without a card a model of more than a billion parameters takes hours or days.</source>
        <translation>没有显卡时，参数超过十亿的模型需要数小时到数天。</translation>
    </message>
    <message>
        <source>fits</source>
        <translation>可用</translation>
    </message>
    <message>
        <source>fits a lean run</source>
        <translation>仅限精简训练</translation>
    </message>
    <message>
        <source>too large</source>
        <translation>过大</translation>
    </message>
    <message>
        <source>{lean} - {usual} GB</source>
        <translation>{lean} - {usual} GB</translation>
    </message>
    <message>
        <source>not here</source>
        <translation>此处不可用</translation>
    </message>
    <message>
        <source>4-bit quantization does not work on this machine.</source>
        <translation>4 位量化在本机上无法工作。</translation>
    </message>
</context>
<context>
    <name>CapsuleDialog</name>
    <message>
        <source>Run capsule</source>
        <translation>训练胶囊</translation>
    </message>
    <message>
        <source>The weights of {base} are not in it. Whoever has the file can read the rows.</source>
        <translation>其中不含 {base} 的权重。拿到此文件的人可以读到这些数据行。</translation>
    </message>
    <message>
        <source>Save as...</source>
        <translation>另存为…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>A file that trains this run again without this program</source>
        <translation>一个无需本程序即可重新训练此任务的文件</translation>
    </message>
    <message>
        <source>{count} row</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} rows</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} held back</source>
        <translation>保留 {count} 行</translation>
    </message>
    <message>
        <source>{count} step</source>
        <translation>{count} 步</translation>
    </message>
    <message>
        <source>{count} steps</source>
        <translation>{count} 步</translation>
    </message>
    <message>
        <source>A Python script that anybody can read and run, and what it needs: the rows as they were trained on ({rows}), their order and learning rates ({steps}), and where the run began.</source>
        <translation>一个人人可读、可运行的 Python 脚本及其所需内容：训练时所用的数据行（{rows}）、其顺序与学习率（{steps}），以及训练的起点。</translation>
    </message>
    <message>
        <source>The file will have about {size}.</source>
        <translation>文件大小约为 {size}。</translation>
    </message>
    <message>
        <source>Save the run capsule</source>
        <translation>保存训练胶囊</translation>
    </message>
    <message>
        <source>The capsule of {name} is {file}, {size}.</source>
        <translation>{name} 的胶囊已存为 {file}，{size}。</translation>
    </message>
    <message>
        <source>Show the folder</source>
        <translation>打开所在文件夹</translation>
    </message>
    <message>
        <source>The capsule of {name} is being made.</source>
        <translation>正在制作 {name} 的胶囊。</translation>
    </message>
</context>
<context>
    <name>ChatView</name>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>You</source>
        <translation>你</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>{name} said</source>
        <translation>{name} 的发言</translation>
    </message>
</context>
<context>
    <name>ColumnsDialog</name>
    <message>
        <source>Columns</source>
        <translation>列</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>The first rows with these columns</source>
        <translation>按这些列得到的前几行</translation>
    </message>
    <message>
        <source>A text with columns in braces joins them, such as {title}: {body}.</source>
        <translation>花括号中写列名的文本会把各列拼接起来，例如 {title}: {body}。</translation>
    </message>
    <message>
        <source>As detected</source>
        <translation>恢复自动识别</translation>
    </message>
    <message>
        <source>Use these columns</source>
        <translation>使用这些列</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>{part} (optional)</source>
        <translation>{part}（可选）</translation>
    </message>
    <message>
        <source>Choose a column for {part}.</source>
        <translation>请为 {part} 选择一列。</translation>
    </message>
</context>
<context>
    <name>ComparePage</name>
    <message>
        <source>Ask something. {keys} runs it.</source>
        <translation>输入问题，按 {keys} 运行。</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Mark differences from the base</source>
        <translation>突出显示与基座的差异</translation>
    </message>
    <message>
        <source>Base model</source>
        <translation>基座模型</translation>
    </message>
    <message>
        <source>Stopping ...</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>Answer of {name}</source>
        <translation>{name} 的回答</translation>
    </message>
    <message>
        <source>Waiting for the helper process ...</source>
        <translation>正在等待辅助进程…</translation>
    </message>
    <message>
        <source>Downloading the base model ...</source>
        <translation>正在下载基座模型…</translation>
    </message>
    <message>
        <source>Loading ...</source>
        <translation>正在加载…</translation>
    </message>
    <message>
        <source>Answering ...</source>
        <translation>正在回答…</translation>
    </message>
    <message>
        <source>Reading the text ...</source>
        <translation>正在读取文本……</translation>
    </message>
    <message>
        <source>An answer is being written.</source>
        <translation>正在生成回答。</translation>
    </message>
    <message>
        <source>A text is being read.</source>
        <translation>正在读取文本。</translation>
    </message>
    <message>
        <source>A blind test has its own buttons.</source>
        <translation>盲测有自己的按钮。</translation>
    </message>
    <message>
        <source>Choose a base model first.</source>
        <translation>请先选择基座模型。</translation>
    </message>
    <message>
        <source>A conversation is held with one: choose a single adapter.</source>
        <translation>一次只能与一个模型对话：请只选择一个适配器。</translation>
    </message>
    <message>
        <source>Write a question first.</source>
        <translation>请先输入问题。</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>并排对比</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Token by token</source>
        <translation>逐词元</translation>
    </message>
    <message>
        <source>Blind test</source>
        <translation>盲测</translation>
    </message>
    <message>
        <source>Evaluation</source>
        <translation>评估</translation>
    </message>
    <message>
        <source>Hear what the training changed</source>
        <translation>听听训练带来了什么变化</translation>
    </message>
    <message>
        <source>Choose a base and adapters on the left, write a question and run it: all answers appear here.</source>
        <translation>在左侧选择基座和适配器，输入问题并运行：所有回答都会显示在这里。</translation>
    </message>
    <message>
        <source>Talk to a model</source>
        <translation>与模型对话</translation>
    </message>
    <message>
        <source>Choose a base and perhaps an adapter on the left, and write: each answer knows what was said.</source>
        <translation>在左侧选择基座，也可再选一个适配器，然后输入：每次回答都记得之前说过的话。</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Compare: run</source>
        <translation>对比：运行</translation>
    </message>
    <message>
        <source>Compare: stop</source>
        <translation>对比：停止</translation>
    </message>
    <message>
        <source>Compare: new conversation</source>
        <translation>对比：新对话</translation>
    </message>
    <message>
        <source>Compare: side by side</source>
        <translation>对比：并排对比</translation>
    </message>
    <message>
        <source>Compare: conversation</source>
        <translation>对比：对话</translation>
    </message>
    <message>
        <source>Compare: token by token</source>
        <translation>对比：逐词元</translation>
    </message>
    <message>
        <source>Compare: blind test</source>
        <translation>比较：盲测</translation>
    </message>
    <message>
        <source>Compare: evaluation</source>
        <translation>对比：评估</translation>
    </message>
</context>
<context>
    <name>ConfigurePage</name>
    <message>
        <source>Start training</source>
        <translation>开始训练</translation>
    </message>
    <message>
        <source>Try several values of settings...</source>
        <translation>尝试多个设置值…</translation>
    </message>
    <message>
        <source>Start beside the runs at work</source>
        <translation>与进行中的运行同时开始</translation>
    </message>
    <message>
        <source>Copy the configuration as a command</source>
        <translation>将配置复制为命令</translation>
    </message>
    <message>
        <source>Copy the configuration as YAML</source>
        <translation>将配置复制为 YAML</translation>
    </message>
    <message>
        <source>Choose the base model</source>
        <translation>选择基座模型</translation>
    </message>
    <message>
        <source>Choose modules of the model</source>
        <translation>选择模型的模块</translation>
    </message>
    <message>
        <source>The configuration is on the clipboard.</source>
        <translation>配置已复制到剪贴板。</translation>
    </message>
    <message>
        <source>The command is on the clipboard: in a terminal it starts the same run.</source>
        <translation>命令已复制到剪贴板：在终端中运行即可启动相同的训练任务。</translation>
    </message>
    <message>
        <source>Basic</source>
        <translation>基本</translation>
    </message>
    <message>
        <source>All settings</source>
        <translation>全部设置</translation>
    </message>
    <message>
        <source>Form</source>
        <translation>表单</translation>
    </message>
    <message>
        <source>YAML</source>
        <translation>YAML</translation>
    </message>
    <message>
        <source>Configure</source>
        <translation>配置</translation>
    </message>
    <message>
        <source>Search the settings</source>
        <translation>搜索设置</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Adapter</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>No setting is called so.</source>
        <translation>没有这样的设置。</translation>
    </message>
    <message>
        <source>Browse for {name}</source>
        <translation>浏览：{name}</translation>
    </message>
    <message>
        <source>Presets</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>摘要</translation>
    </message>
    <message>
        <source>Start beside it</source>
        <translation>同时开始</translation>
    </message>
    <message>
        <source>Try several values...</source>
        <translation>尝试多个值…</translation>
    </message>
    <message>
        <source>Copy as command</source>
        <translation>复制为命令</translation>
    </message>
    <message>
        <source>Copy as YAML</source>
        <translation>复制为 YAML</translation>
    </message>
    <message>
        <source>Changed along with the objective, as it asks for or is usual: {settings}.</source>
        <translation>随目标一起更改（按其要求或惯例）：{settings}。</translation>
    </message>
    <message>
        <source>Changed along with the method, which has others or none: {settings}.</source>
        <translation>随方法一起更改，因为该方法的这些设置不同或没有这些设置：{settings}。</translation>
    </message>
    <message>
        <source>preset {name}</source>
        <translation>预设“{name}”</translation>
    </message>
    <message>
        <source>{name}: {count} setting applied.</source>
        <translation>{name}：已应用 {count} 项设置。</translation>
    </message>
    <message>
        <source>{name}: {count} settings applied.</source>
        <translation>{name}：已应用 {count} 项设置。</translation>
    </message>
    <message>
        <source>{n} changed</source>
        <translation>已更改 {n} 项</translation>
    </message>
    <message>
        <source>Changed from the defaults: {n}</source>
        <translation>已更改的设置：{n}</translation>
    </message>
    <message>
        <source>It begins when the run before it has ended.</source>
        <translation>它会在前一个运行结束后开始。</translation>
    </message>
    <message>
        <source>It begins when the {count} runs before it have ended.</source>
        <translation>它会在前面 {count} 个运行结束后开始。</translation>
    </message>
    <message>
        <source>Add to the queue</source>
        <translation>加入队列</translation>
    </message>
</context>
<context>
    <name>Conversation</name>
    <message>
        <source>Add a message</source>
        <translation>添加消息</translation>
    </message>
</context>
<context>
    <name>CrashDialog</name>
    <message>
        <source>Something went wrong</source>
        <translation>出错了</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>错误报告</translation>
    </message>
    <message>
        <source>This is a defect of Finetune Studio. Runs that are going are not affected, and you can go on.</source>
        <translation>这是 Finetune Studio 的缺陷。正在进行的训练任务不受影响，你可以继续使用。</translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation>复制报告</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>DataFiles</name>
    <message>
        <source>Data files</source>
        <translation>数据文件</translation>
    </message>
    <message>
        <source>Version: {path}</source>
        <translation>版本：{path}</translation>
    </message>
    <message>
        <source>Shop letters (built in)</source>
        <translation>商店来信（内置）</translation>
    </message>
</context>
<context>
    <name>DataHead</name>
    <message>
        <source>Columns...</source>
        <translation>列…</translation>
    </message>
    <message>
        <source>Say which column plays which part</source>
        <translation>指定各列的用途</translation>
    </message>
    <message>
        <source>The second guess</source>
        <translation>第二种可能的格式</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Split, sample, mix, export: what is done to all rows</source>
        <translation>划分、抽样、混合、导出：对所有行的操作</translation>
    </message>
    <message>
        <source>Train on this</source>
        <translation>用它训练</translation>
    </message>
    <message>
        <source>Taken for this because {reason}.</source>
        <translation>判断依据：{reason}。</translation>
    </message>
    <message>
        <source>Or: {format}</source>
        <translation>或：{format}</translation>
    </message>
    <message>
        <source>A version of {names}</source>
        <translation>{names} 的一个版本</translation>
    </message>
    <message>
        <source>{count} row</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} rows</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} of them for evaluation</source>
        <translation>其中 {count} 行用于评估</translation>
    </message>
    <message>
        <source>{bad} of {count} row of its files cannot be used</source>
        <translation>其文件的 {count} 行中有 {bad} 行无法使用</translation>
    </message>
    <message>
        <source>{bad} of {count} rows of its files cannot be used</source>
        <translation>其文件的 {count} 行中有 {bad} 行无法使用</translation>
    </message>
    <message>
        <source>Waiting for the edits ...</source>
        <translation>正在等待编辑完成…</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>读取数据</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
</context>
<context>
    <name>DataPage</name>
    <message>
        <source>The correction of {count} rejected row was not put back. It waits there until the window closes.</source>
        <translation>{count} 个被拒行的更正未放回。在窗口关闭之前，它仍保留在那里。</translation>
    </message>
    <message>
        <source>The corrections of {count} rejected rows were not put back. They wait there until the window closes.</source>
        <translation>{count} 个被拒行的更正未放回。在窗口关闭之前，它们仍保留在那里。</translation>
    </message>
    <message>
        <source>Working on the version</source>
        <translation>正在处理版本</translation>
    </message>
    <message>
        <source>The version was taken over to its changed files. What an audit found before does not hold for the new rows.</source>
        <translation>此版本已改用更改后的文件。之前审查的结果不适用于新的行。</translation>
    </message>
    <message>
        <source>Add data file...</source>
        <translation>添加数据文件…</translation>
    </message>
    <message>
        <source>From the hub...</source>
        <translation>从 Hub 打开…</translation>
    </message>
    <message>
        <source>Open a dataset of the hub...</source>
        <translation>打开 Hub 上的数据集…</translation>
    </message>
    <message>
        <source>Open a dataset of the Hugging Face Hub by its id</source>
        <translation>按 ID 打开 Hugging Face Hub 上的数据集</translation>
    </message>
    <message>
        <source>Add folder...</source>
        <translation>添加文件夹…</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Add folder of data files</source>
        <translation>添加数据文件的文件夹</translation>
    </message>
    <message>
        <source>Kept</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Excluded</source>
        <translation>已排除</translation>
    </message>
    <message>
        <source>Edited</source>
        <translation>已编辑</translation>
    </message>
    <message>
        <source>For evaluation</source>
        <translation>用于评估</translation>
    </message>
    <message>
        <source>Search or filter first: all rows are shown.</source>
        <translation>请先搜索或筛选：当前显示的是所有行。</translation>
    </message>
    <message>
        <source>keep what was found</source>
        <translation>只保留找到的行</translation>
    </message>
    <message>
        <source>The download of {name} was stopped.</source>
        <translation>{name} 的下载已停止。</translation>
    </message>
    <message>
        <source>What has come is kept: read it again, and it goes on from there.</source>
        <translation>已下载的部分会保留：再次读取即可从那里继续。</translation>
    </message>
    <message>
        <source>{count} of these rows is not there any more.</source>
        <translation>其中 {count} 行已不存在。</translation>
    </message>
    <message>
        <source>{count} of these rows are not there any more.</source>
        <translation>其中 {count} 行已不存在。</translation>
    </message>
    <message>
        <source>training data</source>
        <translation>训练数据</translation>
    </message>
</context>
<context>
    <name>DataTabs</name>
    <message>
        <source>Usable and rejected rows</source>
        <translation>可用的行与被拒绝的行</translation>
    </message>
    <message>
        <source>Audit</source>
        <translation>审查</translation>
    </message>
    <message>
        <source>Lengths</source>
        <translation>长度</translation>
    </message>
    <message>
        <source>Rows ({count})</source>
        <translation>数据行（{count}）</translation>
    </message>
    <message>
        <source>Rejected ({count})</source>
        <translation>被拒绝（{count}）</translation>
    </message>
</context>
<context>
    <name>DatasetTable</name>
    <message>
        <source>Row</source>
        <translation>行</translation>
    </message>
    <message>
        <source>Bytes</source>
        <translation>字节</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>This row is not known yet, or not there any more: open the data again.</source>
        <translation>这一行尚未读到，或已不存在：请重新打开数据。</translation>
    </message>
    <message>
        <source>excluded</source>
        <translation>已排除</translation>
    </message>
    <message>
        <source>rejected</source>
        <translation>被拒绝</translation>
    </message>
    <message>
        <source>unreadable</source>
        <translation>无法读取</translation>
    </message>
    <message>
        <source>edited</source>
        <translation>已编辑</translation>
    </message>
</context>
<context>
    <name>Desk</name>
    <message>
        <source>Laying out a row with the chat template did not come to an end.</source>
        <translation>用对话模板处理一行时始终没有结束。</translation>
    </message>
    <message>
        <source>Choose another chat template.</source>
        <translation>请选择其他对话模板。</translation>
    </message>
    <message>
        <source>The helper process was killed, most likely because memory ran out.</source>
        <translation>辅助进程被终止，很可能是因为内存不足。</translation>
    </message>
    <message>
        <source>Close other programs or choose a smaller model, then try again: it starts by itself.</source>
        <translation>请关闭其他程序或选择更小的模型，然后重试：它会自动启动。</translation>
    </message>
    <message>
        <source>The helper process ended unexpectedly (code %1).</source>
        <translation>辅助进程意外结束（代码 %1）。</translation>
    </message>
    <message>
        <source>Try again: it starts by itself. The details show what it said last.</source>
        <translation>请重试：它会自动启动。详情中有它最后的输出。</translation>
    </message>
    <message>
        <source>The helper process ended again and again, so it is not started for now.</source>
        <translation>辅助进程反复意外结束，暂时不再启动。</translation>
    </message>
    <message>
        <source>Wait five minutes or start Finetune Studio again; the details show what it said last.</source>
        <translation>请等待五分钟，或重新启动 Finetune Studio；详情中有它最后的输出。</translation>
    </message>
</context>
<context>
    <name>Details</name>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>DifferenceTable</name>
    <message>
        <source>Last loss</source>
        <translation>最后的损失</translation>
    </message>
    <message>
        <source>Best eval loss</source>
        <translation>最低评估损失</translation>
    </message>
    <message>
        <source>Trained tokens</source>
        <translation>训练的词元数</translation>
    </message>
    <message>
        <source>Time in steps</source>
        <translation>训练步用时</translation>
    </message>
</context>
<context>
    <name>Draft</name>
    <message>
        <source>Choose a data file.</source>
        <translation>请选择数据文件。</translation>
    </message>
    <message>
        <source>There is no such file.</source>
        <translation>没有这个文件。</translation>
    </message>
    <message>
        <source>Name modules such as `q_proj, v_proj`, or write `all-linear`.</source>
        <translation>请写出模块名，如 `q_proj, v_proj`，或写 `all-linear`。</translation>
    </message>
</context>
<context>
    <name>Editing</name>
    <message>
        <source>Your edits are kept as the version {name}; {file} stays as it is.</source>
        <translation>你的编辑保存为版本 {name}；{file} 保持不变。</translation>
    </message>
    <message>
        <source>Taken over to the new rows; {count} row that a step names was not found again.</source>
        <translation>已应用到新的数据行；步骤中涉及的 {count} 行没有再找到。</translation>
    </message>
    <message>
        <source>Taken over to the new rows; {count} rows that steps name were not found again.</source>
        <translation>已应用到新的数据行；步骤中涉及的 {count} 行没有再找到。</translation>
    </message>
    <message>
        <source>go to another step</source>
        <translation>转到其他步骤</translation>
    </message>
    <message>
        <source>{name} is a version of the file now.</source>
        <translation>{name} 现在是该文件的一个版本。</translation>
    </message>
    <message>
        <source>Wait until the version is done, or cancel what is done to it.</source>
        <translation>请等待版本处理完成，或取消正在进行的处理。</translation>
    </message>
</context>
<context>
    <name>EvaluationMode</name>
    <message>
        <source>Evaluate</source>
        <translation>评估</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Stopping ...</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>Save every row</source>
        <translation>保存所有行</translation>
    </message>
    <message>
        <source>Rows of an evaluation</source>
        <translation>一次评估的数据行</translation>
    </message>
    <message>
        <source>Base model</source>
        <translation>基座模型</translation>
    </message>
    <message>
        <source>Waiting for the helper process ...</source>
        <translation>正在等待辅助进程…</translation>
    </message>
    <message>
        <source>Reading the data ...</source>
        <translation>正在读取数据…</translation>
    </message>
    <message>
        <source>Laying out the rows ...</source>
        <translation>正在排布数据行…</translation>
    </message>
    <message>
        <source>Downloading the base model ...</source>
        <translation>正在下载基座模型…</translation>
    </message>
    <message>
        <source>Loading ...</source>
        <translation>正在加载…</translation>
    </message>
    <message>
        <source>Waiting for another evaluation of these rows ...</source>
        <translation>正在等待对这些行的另一次评估…</translation>
    </message>
    <message>
        <source>Reading and answering ...</source>
        <translation>正在读取并回答…</translation>
    </message>
    <message>
        <source>{count} row is left out, of which nothing is learned.</source>
        <translation>{count} 行被略去，其中没有可学习的内容。</translation>
    </message>
    <message>
        <source>{count} rows are left out, of which nothing is learned.</source>
        <translation>{count} 行被略去，其中没有可学习的内容。</translation>
    </message>
    <message>
        <source>No row has a question, so none was answered.</source>
        <translation>没有一行含有问题，因此没有作答。</translation>
    </message>
    <message>
        <source>Rows are being read.</source>
        <translation>正在读取数据行。</translation>
    </message>
    <message>
        <source>{count} learned token</source>
        <translation>{count} 个学习的词元</translation>
    </message>
    <message>
        <source>{count} learned tokens</source>
        <translation>{count} 个学习的词元</translation>
    </message>
    <message>
        <source>{count} row</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} rows</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Measure which is best</source>
        <translation>用数字衡量哪个最好</translation>
    </message>
    <message>
        <source>Choose a base and adapters on the left and rows here: each reads all of them and answers, and you see in numbers which is best, and every answer. What is read is kept: a stop loses nothing.</source>
        <translation>在左侧选择基座和适配器，在这里选择数据行：每个模型都会读取并回答全部行，您可以用数字看出哪个最好，并查看每个回答。读过的内容会保留：停止不会丢失任何结果。</translation>
    </message>
    <message>
        <source>What was measured in all</source>
        <translation>总体的度量结果</translation>
    </message>
    <message>
        <source>Rows of the evaluation</source>
        <translation>评估的数据行</translation>
    </message>
    <message>
        <source>No row is worse than the base.</source>
        <translation>没有比基座更差的行。</translation>
    </message>
    <message>
        <source>What rows are compared by</source>
        <translation>按什么比较各行</translation>
    </message>
    <message>
        <source>Which rows come first</source>
        <translation>哪些行排在前面</translation>
    </message>
    <message>
        <source>Worst first</source>
        <translation>最差的在前</translation>
    </message>
    <message>
        <source>Differing first</source>
        <translation>差异大的在前</translation>
    </message>
    <message>
        <source>In order</source>
        <translation>按顺序</translation>
    </message>
    <message>
        <source>Worse only</source>
        <translation>仅更差的</translation>
    </message>
    <message>
        <source>Only rows in which an adapter is worse than the base</source>
        <translation>只显示有适配器比基座更差的行</translation>
    </message>
    <message>
        <source>Show the row chosen here in the data, to be edited or taken out (Enter)</source>
        <translation>在数据中显示此处选中的行，以便编辑或剔除（Enter）</translation>
    </message>
    <message>
        <source>Save every row...</source>
        <translation>保存所有行…</translation>
    </message>
</context>
<context>
    <name>EvaluationRow</name>
    <message>
        <source>Asked</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>The row&apos;s own answer</source>
        <translation>该行自己的回答</translation>
    </message>
    <message>
        <source>Answer of {name}</source>
        <translation>{name} 的回答</translation>
    </message>
    <message>
        <source>Labelled bad</source>
        <translation>已标为不好</translation>
    </message>
    <message>
        <source>Marked in the others: what is not here</source>
        <translation>其他回答中标出的是此处没有的内容</translation>
    </message>
    <message>
        <source>cut at the longest answer</source>
        <translation>达到最长回答长度而截断</translation>
    </message>
</context>
<context>
    <name>EvaluationSetup</name>
    <message>
        <source>Rows to evaluate on</source>
        <translation>用于评估的行</translation>
    </message>
    <message>
        <source>Rows held back</source>
        <translation>留出的行</translation>
    </message>
    <message>
        <source>The present data</source>
        <translation>当前数据</translation>
    </message>
    <message>
        <source>A data file</source>
        <translation>数据文件</translation>
    </message>
    <message>
        <source>Data file</source>
        <translation>数据文件</translation>
    </message>
    <message>
        <source>A data file or a version</source>
        <translation>数据文件或版本</translation>
    </message>
    <message>
        <source>Choose a data file</source>
        <translation>选择数据文件</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Rows at most</source>
        <translation>最多行数</translation>
    </message>
    <message>
        <source>So many rows at most; 0: all</source>
        <translation>最多这么多行；0：全部</translation>
    </message>
    <message>
        <source>Drawn</source>
        <translation>随机抽取</translation>
    </message>
    <message>
        <source>Drawn by the sampling&apos;s seed, not the first ones</source>
        <translation>按采样的种子抽取，而不是取最前面的行</translation>
    </message>
    <message>
        <source>Have them answered</source>
        <translation>让模型回答</translation>
    </message>
    <message>
        <source>Answers take far longer than losses</source>
        <translation>生成回答比计算损失慢得多</translation>
    </message>
    <message>
        <source>Answers are to match</source>
        <translation>回答须匹配</translation>
    </message>
    <message>
        <source>Expression they are to match</source>
        <translation>回答须匹配的正则表达式</translation>
    </message>
    <message>
        <source>Rows</source>
        <translation>数据行</translation>
    </message>
    <message>
        <source>Choose a base model first.</source>
        <translation>请先选择基座模型。</translation>
    </message>
    <message>
        <source>Choose a data file.</source>
        <translation>请选择数据文件。</translation>
    </message>
    <message>
        <source>Open data first, or correct the settings that are wrong.</source>
        <translation>请先打开数据，或改正有误的设置。</translation>
    </message>
    <message>
        <source>Choose an adapter that was trained here, or a data file.</source>
        <translation>请选择一个在本程序中训练的适配器，或一个数据文件。</translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <source>Export {name}</source>
        <translation>导出 {name}</translation>
    </message>
    <message>
        <source>Adapter (PEFT)</source>
        <translation>适配器（PEFT）</translation>
    </message>
    <message>
        <source>Adapter, one file (GGUF)</source>
        <translation>适配器，单个文件（GGUF）</translation>
    </message>
    <message>
        <source>Merged model</source>
        <translation>合并后的模型</translation>
    </message>
    <message>
        <source>Merged model, one file (GGUF)</source>
        <translation>合并后的模型，单个文件（GGUF）</translation>
    </message>
    <message>
        <source>The model as one file (GGUF)</source>
        <translation>模型，单个文件（GGUF）</translation>
    </message>
    <message>
        <source>The model as it is</source>
        <translation>模型原样</translation>
    </message>
    <message>
        <source>Small files; the base model is needed beside them.</source>
        <translation>文件很小；使用时还需要基座模型。</translation>
    </message>
    <message>
        <source>Scales and ranks of single modules are worked in, so that every program reads it alike.</source>
        <translation>各模块自己的缩放和秩会并入矩阵，使所有程序读出的结果一致。</translation>
    </message>
    <message>
        <source>For llama.cpp, and for Ollama with some families; it adds to a GGUF file of the base.</source>
        <translation>用于 llama.cpp，部分系列也可用于 Ollama；它叠加在基座的 GGUF 文件之上。</translation>
    </message>
    <message>
        <source>A whole model that needs no adapter, as safetensors.</source>
        <translation>不再需要适配器的完整模型，safetensors 格式。</translation>
    </message>
    <message>
        <source>For Ollama, LM Studio and llama.cpp, with a Modelfile; tokens are compared too.</source>
        <translation>供 Ollama、LM Studio 和 llama.cpp 使用，附带 Modelfile；词元也一并比较。</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Browse...</source>
        <translation>浏览…</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Upload to Hugging Face...</source>
        <translation>上传到 Hugging Face…</translation>
    </message>
    <message>
        <source>Number format</source>
        <translation>数值格式</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新文件夹</translation>
    </message>
    <message>
        <source>Writing, reading back and comparing with the live model ...</source>
        <translation>正在写入、读回并与运行中的模型比较 …</translation>
    </message>
    <message>
        <source>Verified. Files: {count}, {size}</source>
        <translation>已验证。文件：{count} 个，{size}</translation>
    </message>
    <message>
        <source>Read back and compared with the live adapter at {positions} positions: logits differ by at most {difference} (rounding allows {bound}; the adapter itself moves them by {effect}), {equal}% of the likeliest tokens are the same.</source>
        <translation>已读回，并在 {positions} 个位置上与原适配器比较：logits 最多相差 {difference}（舍入误差允许 {bound}；适配器本身使其变化 {effect}），{equal}% 的最可能词元相同。</translation>
    </message>
    <message>
        <source>Read back and compared with the live model at {positions} positions: logits differ by at most {difference} (rounding allows {bound}), {equal}% of the likeliest tokens are the same.</source>
        <translation>已读回并与运行中的模型在 {positions} 个位置上比较：logits 最多相差 {difference}（舍入允许 {bound}），{equal}% 的最可能 token 相同。</translation>
    </message>
    <message>
        <source>Its settings and the {tokens} tokens of texts that were split by it are the same.</source>
        <translation>其设置相同，用它切分文本得到的 {tokens} 个词元也相同。</translation>
    </message>
    <message>
        <source>Of {count} answers of the live model {same} are the same word for word.</source>
        <translation>运行中的模型的 {count} 个回答中，有 {same} 个逐字相同。</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Name a new folder first.</source>
        <translation>请先填写一个新文件夹。</translation>
    </message>
    <message>
        <source>It goes to {path}.</source>
        <translation>将导出到 {path}。</translation>
    </message>
    <message>
        <source>f16: runs everywhere</source>
        <translation>f16：各处都能运行</translation>
    </message>
    <message>
        <source>q8_0: half as large, a little rounded</source>
        <translation>q8_0：大小减半，略有舍入</translation>
    </message>
    <message>
        <source>q5_1: a third as large, some answers change</source>
        <translation>q5_1：约三分之一大小，部分回答会改变</translation>
    </message>
    <message>
        <source>q4_1: smallest, more answers change</source>
        <translation>q4_1：最小，更多回答会改变</translation>
    </message>
    <message>
        <source>bf16: for very large numbers</source>
        <translation>bf16：适合非常大的数值</translation>
    </message>
    <message>
        <source>f32: exact, twice as large</source>
        <translation>f32：精确，大小加倍</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>Loads</source>
        <translation>可加载</translation>
    </message>
    <message>
        <source>Where to</source>
        <translation>导出位置</translation>
    </message>
</context>
<context>
    <name>Facts</name>
    <message>
        <source>Trains on</source>
        <translation>训练设备</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Number format</source>
        <translation>数值格式</translation>
    </message>
    <message>
        <source>Disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>PyTorch</source>
        <translation>PyTorch</translation>
    </message>
    <message>
        <source>4-bit and 8-bit</source>
        <translation>4 位与 8 位</translation>
    </message>
    <message>
        <source>NVIDIA driver</source>
        <translation>NVIDIA 驱动</translation>
    </message>
    <message>
        <source>Hugging Face</source>
        <translation>Hugging Face</translation>
    </message>
    <message>
        <source>Checking ...</source>
        <translation>正在检查…</translation>
    </message>
    <message>
        <source>bfloat16</source>
        <translation>bfloat16</translation>
    </message>
    <message>
        <source>float16: this card does not know bfloat16</source>
        <translation>float16：此显卡不支持 bfloat16</translation>
    </message>
    <message>
        <source>{name}. No NVIDIA card was found: small models train well, large ones slowly.</source>
        <translation>{name}。未找到 NVIDIA 显卡：小模型可以顺利训练，大模型会很慢。</translation>
    </message>
    <message>
        <source>float32</source>
        <translation>float32</translation>
    </message>
    <message>
        <source>{free} of {total} free</source>
        <translation>可用 {free}，共 {total}</translation>
    </message>
    <message>
        <source>{free} free</source>
        <translation>可用 {free}</translation>
    </message>
    <message>
        <source>Offline: models come from the cache</source>
        <translation>离线：模型取自缓存</translation>
    </message>
    <message>
        <source>Downloads are allowed; the connection was not tried</source>
        <translation>允许下载；未尝试网络连接</translation>
    </message>
    <message>
        <source>a token is stored</source>
        <translation>已保存访问令牌</translation>
    </message>
    <message>
        <source>no token is stored</source>
        <translation>未保存访问令牌</translation>
    </message>
    <message>
        <source>{network}; {token}.</source>
        <translation>{network}；{token}。</translation>
    </message>
</context>
<context>
    <name>FailureCard</name>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>关闭提示</translation>
    </message>
</context>
<context>
    <name>Field</name>
    <message>
        <source>Changed from the default</source>
        <translation>已不同于默认值</translation>
    </message>
    <message>
        <source>Reset {name}</source>
        <translation>重置“{name}”</translation>
    </message>
</context>
<context>
    <name>Finder</name>
    <message>
        <source>Commands</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>Type a command</source>
        <translation>输入命令</translation>
    </message>
    <message>
        <source>Find a command</source>
        <translation>查找命令</translation>
    </message>
    <message>
        <source>No command has this in its name.</source>
        <translation>没有名称包含此内容的命令。</translation>
    </message>
</context>
<context>
    <name>History</name>
    <message>
        <source>History</source>
        <translation>历史</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>As the files are</source>
        <translation>文件原样</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Choose a step to go to: what was done behind it is undone, not lost.</source>
        <translation>选择要转到的步骤：其后的操作会被撤销，但不会丢失。</translation>
    </message>
    <message>
        <source>{step} (undone)</source>
        <translation>{step}（已撤销）</translation>
    </message>
    <message>
        <source>one row</source>
        <translation>1 行</translation>
    </message>
    <message>
        <source>{count} rows</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Exclude</source>
        <translation>排除</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Keep only</source>
        <translation>仅保留</translation>
    </message>
    <message>
        <source>Tag</source>
        <translation>加标签</translation>
    </message>
    <message>
        <source>Take the tag off</source>
        <translation>移除标签</translation>
    </message>
    <message>
        <source>Leave out</source>
        <translation>排除符合者</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Deduplicate</source>
        <translation>去重</translation>
    </message>
    <message>
        <source>Sample</source>
        <translation>抽样</translation>
    </message>
    <message>
        <source>Balance</source>
        <translation>均衡</translation>
    </message>
    <message>
        <source>Split</source>
        <translation>划分</translation>
    </message>
    <message>
        <source>Mix</source>
        <translation>混合</translation>
    </message>
    <message>
        <source>text {value}</source>
        <translation>文本 {value}</translation>
    </message>
    <message>
        <source>as an expression</source>
        <translation>正则表达式</translation>
    </message>
    <message>
        <source>role {value}</source>
        <translation>角色 {value}</translation>
    </message>
    <message>
        <source>length at least {value}</source>
        <translation>长度至少 {value}</translation>
    </message>
    <message>
        <source>length at most {value}</source>
        <translation>长度至多 {value}</translation>
    </message>
    <message>
        <source>tag {value}</source>
        <translation>标签 {value}</translation>
    </message>
    <message>
        <source>source {value}</source>
        <translation>来源 {value}</translation>
    </message>
    <message>
        <source>by {value}</source>
        <translation>按{value}</translation>
    </message>
    <message>
        <source>at most {value}</source>
        <translation>至多 {value}</translation>
    </message>
    <message>
        <source>{value} for evaluation</source>
        <translation>{value} 用于评估</translation>
    </message>
    <message>
        <source>the same share in each {value}</source>
        <translation>各组比例相同（{value}）</translation>
    </message>
    <message>
        <source>shares {value}</source>
        <translation>比例 {value}</translation>
    </message>
    <message>
        <source>an epoch: {value}</source>
        <translation>一轮：{value}</translation>
    </message>
    <message>
        <source>seed {value}</source>
        <translation>随机种子 {value}</translation>
    </message>
    <message>
        <source>the whole row</source>
        <translation>整行</translation>
    </message>
    <message>
        <source>the prompt</source>
        <translation>提示</translation>
    </message>
    <message>
        <source>the answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>length</source>
        <translation>长度</translation>
    </message>
    <message>
        <source>turns</source>
        <translation>对话轮次</translation>
    </message>
    <message>
        <source>tag</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>source file</source>
        <translation>来源文件</translation>
    </message>
    <message>
        <source>no row comes twice</source>
        <translation>没有行重复出现</translation>
    </message>
    <message>
        <source>every row comes once</source>
        <translation>每一行都出现</translation>
    </message>
</context>
<context>
    <name>HubDialog</name>
    <message>
        <source>Open from the hub</source>
        <translation>从 Hub 打开</translation>
    </message>
    <message>
        <source>Only its data files are brought, into the Hugging Face cache; no script and no README of it is followed. A download that is cancelled goes on from there the next time.</source>
        <translation>只把其中的数据文件取到 Hugging Face 缓存中，不会执行其脚本，也不会遵循其 README。取消的下载下次会从中断处继续。</translation>
    </message>
    <message>
        <source>Dataset</source>
        <translation>数据集</translation>
    </message>
    <message>
        <source>owner/name, or the address of its page</source>
        <translation>所有者/名称，或其页面地址</translation>
    </message>
    <message>
        <source>Revision</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>a branch, tag or commit; empty: the newest</source>
        <translation>分支、标签或提交；留空：最新</translation>
    </message>
    <message>
        <source>Subset</source>
        <translation>子集</translation>
    </message>
    <message>
        <source>a word of the files&apos; names, such as en; empty: all</source>
        <translation>文件名中的一个词，例如 en；留空：全部</translation>
    </message>
    <message>
        <source>Split</source>
        <translation>划分</translation>
    </message>
    <message>
        <source>such as train; empty: all but those for evaluation</source>
        <translation>例如 train；留空：除评估用文件外的全部</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>This is no id of a dataset: write owner/name.</source>
        <translation>这不是数据集的 ID：请写成 所有者/名称。</translation>
    </message>
</context>
<context>
    <name>Insight</name>
    <message>
        <source>Count the tokens</source>
        <translation>统计词元</translation>
    </message>
    <message>
        <source>Every row is counted in the chosen model&apos;s tokens. Then a line can be dragged to see what any maximum length would cut, and what an epoch would take.</source>
        <translation>按所选模型的词元统计每一行。之后可以拖动竖线，查看任一最大长度会截断哪些内容，以及训练一轮的开销。</translation>
    </message>
    <message>
        <source>How long are the rows?</source>
        <translation>数据行有多长？</translation>
    </message>
    <message>
        <source>Counting ...</source>
        <translation>正在统计…</translation>
    </message>
    <message>
        <source>No row has a token to learn from.</source>
        <translation>没有任何一行含有可供学习的词元。</translation>
    </message>
    <message>
        <source>maximum length</source>
        <translation>最大长度</translation>
    </message>
    <message>
        <source>The maximum length is {n} tokens now.</source>
        <translation>最大长度现为 {n} 个词元。</translation>
    </message>
</context>
<context>
    <name>Kept</name>
    <message>
        <source>Your edits are kept as the version {name}.</source>
        <translation>你的编辑保存为版本 {name}。</translation>
    </message>
</context>
<context>
    <name>LayerMap</name>
    <message>
        <source>Modules by layer</source>
        <translation>各层的模块</translation>
    </message>
</context>
<context>
    <name>LayersDialog</name>
    <message>
        <source>Layers of {name}</source>
        <translation>{name} 的各层</translation>
    </message>
    <message>
        <source>{name} and {other}, layer by layer</source>
        <translation>{name} 与 {other}，逐层对比</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>LayersView</name>
    <message>
        <source>Coloured by</source>
        <translation>着色依据</translation>
    </message>
    <message>
        <source>What the modules are coloured by</source>
        <translation>模块按什么着色</translation>
    </message>
    <message>
        <source>Measuring the layers ...</source>
        <translation>正在测量各层……</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <source>Rank used</source>
        <translation>用到的秩</translation>
    </message>
    <message>
        <source>Difference</source>
        <translation>差别</translation>
    </message>
    <message>
        <source>Likeness</source>
        <translation>相似度</translation>
    </message>
    <message>
        <source>Change by the first</source>
        <translation>第一个的改变量</translation>
    </message>
    <message>
        <source>Change by the second</source>
        <translation>第二个的改变量</translation>
    </message>
    <message>
        <source>full colour: {value}</source>
        <translation>最深色：{value}</translation>
    </message>
    <message>
        <source>None of the {count} modules has learned anything yet.</source>
        <translation>{count} 个模块都还什么也没学到。</translation>
    </message>
    <message>
        <source>{count} module was trained.</source>
        <translation>训练了 {count} 个模块。</translation>
    </message>
    <message>
        <source>{count} modules were trained.</source>
        <translation>训练了 {count} 个模块。</translation>
    </message>
    <message>
        <source>{count} module changed by {share} of its weights&apos; size.</source>
        <translation>{count} 个模块改变了其权重大小的 {share}。</translation>
    </message>
    <message>
        <source>{count} modules changed by {share} of their weights&apos; size.</source>
        <translation>{count} 个模块共改变了其权重大小的 {share}。</translation>
    </message>
    <message>
        <source>The most: {most}; the least: {least}.</source>
        <translation>最多：{most}；最少：{least}。</translation>
    </message>
    <message>
        <source>{count} learned nothing: {names}.</source>
        <translation>{count} 个什么也没学到：{names}。</translation>
    </message>
    <message>
        <source>The two change the weights in the same way.</source>
        <translation>两者对权重的改变相同。</translation>
    </message>
    <message>
        <source>{count} module of the two.</source>
        <translation>两者共 {count} 个模块。</translation>
    </message>
    <message>
        <source>{count} modules of the two.</source>
        <translation>两者共 {count} 个模块。</translation>
    </message>
    <message>
        <source>They differ by {apart} of the weights&apos; size; the first changes them by {share}, the second by {other}.</source>
        <translation>两者相差权重大小的 {apart}；第一个改变了 {share}，第二个改变了 {other}。</translation>
    </message>
    <message>
        <source>The likeness of the two changes is {cosine} (1: the same direction, 0: unrelated).</source>
        <translation>两者改变的相似度为 {cosine}（1：方向相同，0：互不相关）。</translation>
    </message>
    <message>
        <source>{count} modules</source>
        <translation>{count} 个模块</translation>
    </message>
    <message>
        <source>learned nothing</source>
        <translation>什么也没学到</translation>
    </message>
    <message>
        <source>changed by {share} of its weights&apos; size</source>
        <translation>改变了其权重大小的 {share}</translation>
    </message>
    <message>
        <source>changed by {norm} (norm), the size of its weights is not known</source>
        <translation>改变了 {norm}（范数），其权重大小未知</translation>
    </message>
    <message>
        <source>how much it changed cannot be told: its weights are not in the base&apos;s files</source>
        <translation>无法得知改变了多少：基座模型的文件中没有它的权重</translation>
    </message>
    <message>
        <source>{used} of {rank} directions used</source>
        <translation>{rank} 个方向中用到 {used} 个</translation>
    </message>
    <message>
        <source>changed by the first by {share}</source>
        <translation>第一个改变了 {share}</translation>
    </message>
    <message>
        <source>by the second by {share}</source>
        <translation>第二个改变了 {share}</translation>
    </message>
    <message>
        <source>not trained by the other</source>
        <translation>另一个没有训练它</translation>
    </message>
    <message>
        <source>likeness {cosine}</source>
        <translation>相似度 {cosine}</translation>
    </message>
    <message>
        <source>{module} in layer {layer}</source>
        <translation>第 {layer} 层的 {module}</translation>
    </message>
</context>
<context>
    <name>LengthView</name>
    <message>
        <source> tokens</source>
        <translation> 个词元</translation>
    </message>
    <message>
        <source>Maximum length</source>
        <translation>最大长度</translation>
    </message>
    <message>
        <source>Use this length</source>
        <translation>采用此长度</translation>
    </message>
    <message>
        <source>Last bar: {count} row of {least} to {most} tokens</source>
        <translation>最后一根柱：{count} 行，{least} 至 {most} 个词元</translation>
    </message>
    <message>
        <source>Last bar: {count} rows of {least} to {most} tokens</source>
        <translation>最后一根柱：{count} 行，{least} 至 {most} 个词元</translation>
    </message>
    <message>
        <source>Rows by their length in tokens</source>
        <translation>数据行按词元长度的分布</translation>
    </message>
    <message>
        <source>Rows cut</source>
        <translation>被截断的行</translation>
    </message>
    <message>
        <source>Answers shortened</source>
        <translation>被缩短的回答</translation>
    </message>
    <message>
        <source>Answers lost whole</source>
        <translation>完全丢失的回答</translation>
    </message>
    <message>
        <source>Rows left out</source>
        <translation>被略去的行</translation>
    </message>
    <message>
        <source>Tokens an epoch</source>
        <translation>每轮词元</translation>
    </message>
    <message>
        <source>Steps an epoch</source>
        <translation>每轮步数</translation>
    </message>
    <message>
        <source>Steps, packed</source>
        <translation>步数（序列打包）</translation>
    </message>
    <message>
        <source>Rows and chunks fed</source>
        <translation>送入的行与分块</translation>
    </message>
    <message>
        <source>{count} text in chunks</source>
        <translation>{count} 段文本分块</translation>
    </message>
    <message>
        <source>{count} texts in chunks</source>
        <translation>{count} 个文本分块</translation>
    </message>
    <message>
        <source>The longest row has {count} token</source>
        <translation>最长的行有 {count} 个词元</translation>
    </message>
    <message>
        <source>The longest row has {count} tokens</source>
        <translation>最长的行有 {count} 个词元</translation>
    </message>
    <message>
        <source>Drag the line</source>
        <translation>拖动竖线</translation>
    </message>
</context>
<context>
    <name>LibraryPage</name>
    <message>
        <source>Search by name, base, data, tag or note</source>
        <translation>按名称、基座、数据、标签或备注搜索</translation>
    </message>
    <message>
        <source>Search the library</source>
        <translation>搜索适配器库</translation>
    </message>
    <message>
        <source>Library</source>
        <translation>适配器库</translation>
    </message>
    <message>
        <source>In the trash: {names}.</source>
        <translation>已移到回收站：{names}。</translation>
    </message>
    <message>
        <source>train {name} further</source>
        <translation>继续训练 {name}</translation>
    </message>
    <message>
        <source>{name} is trained further: choose what it is to learn from, then start.</source>
        <translation>将继续训练 {name}：请选择它要学习的数据，然后开始。</translation>
    </message>
    <message>
        <source>Choose one adapter, or two, to see their layers.</source>
        <translation>请选择一个或两个适配器来查看其各层。</translation>
    </message>
    <message>
        <source>A whole model cannot be added up, nor made weaker.</source>
        <translation>完整模型不能相加，也不能减弱。</translation>
    </message>
    <message>
        <source>A DoRA adapter cannot be added up, nor made weaker.</source>
        <translation>DoRA 适配器不能相加，也不能减弱。</translation>
    </message>
    <message>
        <source>Move the adapter to the trash</source>
        <translation>把适配器移到回收站</translation>
    </message>
    <message>
        <source>Export the adapter...</source>
        <translation>导出适配器…</translation>
    </message>
    <message>
        <source>Compare the adapter with its base</source>
        <translation>对比适配器与其基座</translation>
    </message>
    <message>
        <source>Train the adapter further</source>
        <translation>继续训练该适配器</translation>
    </message>
    <message>
        <source>Show the adapter&apos;s layers</source>
        <translation>显示适配器的各层</translation>
    </message>
    <message>
        <source>Mix adapters, or change the strength of one...</source>
        <translation>混合适配器，或改变其强度…</translation>
    </message>
    <message>
        <source>Rename the adapter</source>
        <translation>重命名适配器</translation>
    </message>
    <message>
        <source>Tag the adapter</source>
        <translation>为适配器添加标签</translation>
    </message>
    <message>
        <source>Show the adapter&apos;s run</source>
        <translation>查看适配器的训练任务</translation>
    </message>
    <message>
        <source>Open the adapter&apos;s folder</source>
        <translation>打开适配器的文件夹</translation>
    </message>
    <message>
        <source>Refresh the library</source>
        <translation>刷新适配器库</translation>
    </message>
    <message>
        <source>No adapter is like this.</source>
        <translation>没有符合条件的适配器。</translation>
    </message>
    <message>
        <source>Adapters</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>One of them is damaged.</source>
        <translation>其中一个已损坏。</translation>
    </message>
    <message>
        <source>They were made for different base models.</source>
        <translation>它们的基座模型不同。</translation>
    </message>
    <message>
        <source>Every run that ends well puts its adapter or its model here. An adapter made elsewhere can be dropped on the window: a folder with adapter_config.json and adapter_model.safetensors.</source>
        <translation>每次顺利结束的训练都会把它的适配器或模型放到这里。在别处制作的适配器可以拖到窗口上：一个含有 adapter_config.json 和 adapter_model.safetensors 的文件夹。</translation>
    </message>
    <message>
        <source>Configure a run</source>
        <translation>配置训练任务</translation>
    </message>
    <message>
        <source>No adapters yet</source>
        <translation>还没有适配器</translation>
    </message>
</context>
<context>
    <name>LinePlot</name>
    <message>
        <source>{name} (means)</source>
        <translation>{name}（均值）</translation>
    </message>
    <message>
        <source>best {loss} at step {step}</source>
        <translation>最佳 {loss}，第 {step} 步</translation>
    </message>
    <message>
        <source>each step</source>
        <translation>每步</translation>
    </message>
    <message>
        <source>smoothed</source>
        <translation>平滑后</translation>
    </message>
    <message>
        <source>evaluation</source>
        <translation>评估</translation>
    </message>
    <message>
        <source>Show the line: {name}</source>
        <translation>显示曲线：{name}</translation>
    </message>
    <message>
        <source>step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>click: its rows</source>
        <translation>点击：查看该步的行</translation>
    </message>
    <message>
        <source>eval</source>
        <translation>评估</translation>
    </message>
</context>
<context>
    <name>LossTable</name>
    <message>
        <source>Row</source>
        <translation>行</translation>
    </message>
    <message>
        <source>Its number in its file, from 0; in a version of several behind the file&apos;s own</source>
        <translation>它在其文件中的编号，从 0 开始；版本含多个文件时，前面是文件的编号</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Its loss the last time it was trained on (key L)</source>
        <translation>最后一次训练到它时的损失（按键 L）</translation>
    </message>
    <message>
        <source>Above</source>
        <translation>高出</translation>
    </message>
    <message>
        <source>How far its loss lay above that of the rows beside it, the mean over all its tokens (key A)</source>
        <translation>它的损失比同时训练的其他行高出多少，取其全部词元的平均（按键 A）</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <source>Its loss the last time less that of the first time (key C)</source>
        <translation>最近一次的损失减去第一次的损失（按键 C）</translation>
    </message>
    <message>
        <source>Step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>The step it was last in</source>
        <translation>最近一次包含它的步</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>词元</translation>
    </message>
    <message>
        <source>Its tokens that are learned</source>
        <translation>其中被学习的词元数</translation>
    </message>
    <message>
        <source>Asked</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>The beginning of what its last answer answers</source>
        <translation>最后一个回答所回答内容的开头</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>The beginning of its last answer, or of its text</source>
        <translation>最后一个回答的开头，或文本的开头</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>{name} failed: {message}</source>
        <translation>{name} 失败：{message}</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>查看</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>Everywhere</source>
        <translation>全局</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>Open data file...</source>
        <translation>打开数据文件…</translation>
    </message>
    <message>
        <source>Open recent</source>
        <translation>最近打开</translation>
    </message>
    <message>
        <source>Open run or adapter folder...</source>
        <translation>打开训练任务或适配器文件夹…</translation>
    </message>
    <message>
        <source>While runs train, and then</source>
        <translation>训练期间及之后</translation>
    </message>
    <message>
        <source>Disk space and trash...</source>
        <translation>磁盘空间与回收站…</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Switch light and dark</source>
        <translation>切换浅色与深色</translation>
    </message>
    <message>
        <source>Welcome</source>
        <translation>欢迎</translation>
    </message>
    <message>
        <source>Train the built-in demo</source>
        <translation>训练内置演示</translation>
    </message>
    <message>
        <source>Find a command...</source>
        <translation>查找命令…</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>About Finetune Studio</source>
        <translation>关于 Finetune Studio</translation>
    </message>
    <message>
        <source>Follow the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>The system&apos;s language</source>
        <translation>系统语言</translation>
    </message>
    <message>
        <source>The window speaks the chosen language when it is next opened. What is open and the runs go on then; what could be undone, and answers side by side, are gone.</source>
        <translation>窗口下次打开时使用所选语言。已打开的内容和训练任务届时会继续；可撤销的操作和并排的回答则不再保留。</translation>
    </message>
    <message>
        <source>Open it again now</source>
        <translation>立即重新打开</translation>
    </message>
    <message>
        <source>Open run or adapter folder</source>
        <translation>打开训练任务或适配器文件夹</translation>
    </message>
    <message>
        <source>Finetune Studio {version}

Fine-tunes language models with LoRA, on your own machine.</source>
        <translation>Finetune Studio {version}

在你自己的机器上，用 LoRA 微调语言模型。</translation>
    </message>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
    <message>
        <source>A run is going</source>
        <translation>训练正在进行</translation>
    </message>
    <message>
        <source>A run is still training. What is to become of it?</source>
        <translation>还有训练任务正在进行，要如何处理？</translation>
    </message>
    <message>
        <source>It can go on by itself: the next window shows it with its whole curve.</source>
        <translation>它可以自行继续：下次打开窗口时会显示它和完整的曲线。</translation>
    </message>
    <message>
        <source>Keep training</source>
        <translation>继续训练</translation>
    </message>
    <message>
        <source>Stop and save</source>
        <translation>停止并保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Not saved yet</source>
        <translation>尚未保存</translation>
    </message>
    <message>
        <source>What you typed here is not saved. What is to become of it?</source>
        <translation>您在此处输入的内容尚未保存。要如何处理？</translation>
    </message>
    <message>
        <source>Saved, it is a step of a version of the data; the file stays as it is.</source>
        <translation>保存后，它会成为该数据某个版本的一个步骤；文件保持不变。</translation>
    </message>
    <message>
        <source>As it stands it cannot be saved: {reason}</source>
        <translation>目前无法保存：{reason}</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Give it up</source>
        <translation>放弃</translation>
    </message>
    <message>
        <source>The window closes as soon as your edits are kept as a version. Close it again to give them up.</source>
        <translation>编辑保存为版本后，窗口会立即关闭。再次关闭窗口则放弃这些编辑。</translation>
    </message>
    <message>
        <source>The window closes as soon as what it writes is written. Close it again to give that up.</source>
        <translation>窗口会在写入完成后立即关闭。再次关闭则放弃写入。</translation>
    </message>
</context>
<context>
    <name>MemoryFit</name>
    <message>
        <source>not known</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>About: the base {weights}, what is trained with its gradients and the optimizer&apos;s notes {trained}, a pass of {tokens} tokens {passes}, the process itself {process}.</source>
        <translation>大约：基础模型 {weights}，训练的参数连同梯度和优化器状态 {trained}，一次 {tokens} 个词元的前向与反向 {passes}，进程本身 {process}。</translation>
    </message>
    <message>
        <source>Up to {packed} more are taken to be faster, as there is room for that.</source>
        <translation>因为放得下，还会多用至多 {packed} 以加快速度。</translation>
    </message>
    <message>
        <source>{needed} of {room}</source>
        <translation>{needed} / {room}</translation>
    </message>
    <message>
        <source>Activations do not fit beside that: they are computed again, which is slower.</source>
        <translation>激活值放不下，将重新计算，速度较慢。</translation>
    </message>
    <message>
        <source>Activations do not fit beside that: they wait outside the card, which is slower.</source>
        <translation>激活值放不下，将暂存到显卡之外，速度较慢。</translation>
    </message>
    <message>
        <source>It only just fits: close other programs that use the memory.</source>
        <translation>刚好放得下：请关闭其他占用内存的程序。</translation>
    </message>
    <message>
        <source>It will not fit: about {needed} are needed, and there are {room}.</source>
        <translation>放不下：约需 {needed}，只有 {room}。</translation>
    </message>
    <message>
        <source>It fits with:</source>
        <translation>这样放得下：</translation>
    </message>
    <message>
        <source>Choose a smaller model.</source>
        <translation>请选择更小的模型。</translation>
    </message>
    <message>
        <source>{settings} ({size})</source>
        <translation>{settings}（{size}）</translation>
    </message>
    <message>
        <source>settings that fit</source>
        <translation>放得下的设置</translation>
    </message>
</context>
<context>
    <name>Message</name>
    <message>
        <source>Who speaks</source>
        <translation>发言者</translation>
    </message>
    <message>
        <source>What is called</source>
        <translation>所调用的工具</translation>
    </message>
    <message>
        <source>What is said</source>
        <translation>发言内容</translation>
    </message>
    <message>
        <source>Earlier</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Later</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Remove the message</source>
        <translation>移除消息</translation>
    </message>
</context>
<context>
    <name>MixDialog</name>
    <message>
        <source>Mix adapters</source>
        <translation>混合适配器</translation>
    </message>
    <message>
        <source>Strength of an adapter</source>
        <translation>适配器的强度</translation>
    </message>
    <message>
        <source>Title</source>
        <translation>标题</translation>
    </message>
    <message>
        <source>Add to the library</source>
        <translation>加入库</translation>
    </message>
    <message>
        <source>1 is as strong as it was trained, 0 is the base alone, and below 0 its opposite. The sum is exact; it is an adapter of its own, to be compared and exported like any other.</source>
        <translation>1 表示与训练时一样强，0 表示只有基础模型，小于 0 则相反。求和是精确的；结果是一个独立的适配器，可以像其他适配器一样比较和导出。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Strength of {name}</source>
        <translation>{name} 的强度</translation>
    </message>
    <message>
        <source>Mix of {names}</source>
        <translation>{names} 的混合</translation>
    </message>
    <message>
        <source>{name} at {weight}</source>
        <translation>{name}（强度 {weight}）</translation>
    </message>
    <message>
        <source>Added to the library as {name}.</source>
        <translation>已加入适配器库，名为 {name}。</translation>
    </message>
</context>
<context>
    <name>ModelList</name>
    <message>
        <source>Search, or type a Hugging Face id such as owner/model</source>
        <translation>搜索，或输入 Hugging Face 模型 ID（如 owner/model）</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>搜索模型</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Choose folder...</source>
        <translation>选择文件夹…</translation>
    </message>
    <message>
        <source>Use the folder {path}</source>
        <translation>使用文件夹 {path}</translation>
    </message>
    <message>
        <source>From Hugging Face: the structure is read now, the weights when training starts.</source>
        <translation>来自 Hugging Face：现在读取结构，训练开始时读取权重。</translation>
    </message>
    <message>
        <source>Use {id}</source>
        <translation>使用 {id}</translation>
    </message>
    <message>
        <source>Type a Hugging Face id (owner/model) or the path of a folder.</source>
        <translation>请输入 Hugging Face 模型 ID（owner/model）或文件夹路径。</translation>
    </message>
    <message>
        <source>No such model on this machine</source>
        <translation>本机上没有此模型</translation>
    </message>
</context>
<context>
    <name>ModelPicker</name>
    <message>
        <source>Built-in model</source>
        <translation>内置模型</translation>
    </message>
    <message>
        <source>Comes with the program, for a first try</source>
        <translation>随程序附带，可用于初次尝试</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>From Hugging Face</source>
        <translation>来自 Hugging Face</translation>
    </message>
    <message>
        <source>on this machine</source>
        <translation>在本机上</translation>
    </message>
    <message>
        <source>partly on this machine</source>
        <translation>部分在本机上</translation>
    </message>
    <message>
        <source>folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>{n} parameters</source>
        <translation>{n} 个参数</translation>
    </message>
    <message>
        <source>Model folder</source>
        <translation>模型文件夹</translation>
    </message>
</context>
<context>
    <name>ModulePicker</name>
    <message>
        <source>Choose modules</source>
        <translation>选择模块</translation>
    </message>
    <message>
        <source>Search the modules</source>
        <translation>搜索模块</translation>
    </message>
    <message>
        <source>By kind</source>
        <translation>按种类</translation>
    </message>
    <message>
        <source>By layer</source>
        <translation>按层</translation>
    </message>
    <message>
        <source>All linear</source>
        <translation>全部线性层</translation>
    </message>
    <message>
        <source>Attention</source>
        <translation>注意力</translation>
    </message>
    <message>
        <source>MLP</source>
        <translation>MLP</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>秩</translation>
    </message>
    <message>
        <source>Rank of every module that has none of its own</source>
        <translation>没有单独设置的模块所用的秩</translation>
    </message>
    <message>
        <source>Alpha</source>
        <translation>Alpha（缩放系数）</translation>
    </message>
    <message>
        <source>Alpha of every module that has none of its own</source>
        <translation>没有单独设置的模块所用的 Alpha</translation>
    </message>
    <message>
        <source>Train whole</source>
        <translation>完整训练</translation>
    </message>
    <message>
        <source>Trains the module of the current row itself, saved beside the adapter (W)</source>
        <translation>训练当前行的模块本身，与适配器一同保存（W）</translation>
    </message>
    <message>
        <source>Same rank for all</source>
        <translation>统一秩</translation>
    </message>
    <message>
        <source>Takes back the ranks and alphas that branches have of their own</source>
        <translation>撤销各分支单独设置的秩和 Alpha</translation>
    </message>
    <message>
        <source>Apply</source>
        <translation>应用</translation>
    </message>
    <message>
        <source>What is set now cannot be shown; what is ticked here takes its place.</source>
        <translation>当前的设置无法显示；此处勾选的内容将取而代之。</translation>
    </message>
    <message>
        <source>Space ticks a row, Enter or a number gives it a rank of its own, A an alpha, W trains it whole.</source>
        <translation>空格勾选一行，回车或数字为其单独设置秩，A 设置 Alpha，W 完整训练。</translation>
    </message>
    <message>
        <source>Space ticks a row, W trains it whole.</source>
        <translation>空格勾选一行，W 整体训练它。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>A rank is a whole number from 1 to 1,024.</source>
        <translation>秩是 1 到 1,024 之间的整数。</translation>
    </message>
    <message>
        <source>An alpha is a number above 0 and at most 65,536.</source>
        <translation>Alpha 是大于 0 且不超过 65,536 的数。</translation>
    </message>
    <message>
        <source>Nothing is adapted</source>
        <translation>没有适配任何模块</translation>
    </message>
    <message>
        <source>{count} trained, {share} of {total}; the adapter is {size}</source>
        <translation>训练 {count}，占 {total} 的 {share}；适配器大小 {size}</translation>
    </message>
</context>
<context>
    <name>Night</name>
    <message>
        <source>Keep the computer awake while a run trains</source>
        <translation>训练时不让电脑休眠</translation>
    </message>
    <message>
        <source>Tell on the desktop that a run has ended</source>
        <translation>训练结束时在桌面上通知</translation>
    </message>
    <message>
        <source>Run a command when a run ends...</source>
        <translation>训练结束时运行命令…</translation>
    </message>
    <message>
        <source>Leave the computer on when all runs are done</source>
        <translation>全部训练完成后保持开机</translation>
    </message>
    <message>
        <source>Let it sleep when all runs are done</source>
        <translation>全部训练完成后睡眠</translation>
    </message>
    <message>
        <source>Shut it down when all runs are done</source>
        <translation>全部训练完成后关机</translation>
    </message>
    <message>
        <source>computer</source>
        <translation>电脑</translation>
    </message>
    <message>
        <source>then the computer goes to sleep</source>
        <translation>之后电脑进入睡眠</translation>
    </message>
    <message>
        <source>then the computer shuts down</source>
        <translation>之后电脑关机</translation>
    </message>
    <message>
        <source>When a run ends</source>
        <translation>训练结束时</translation>
    </message>
    <message>
        <source>A command to run when a run ends, such as one that sends a message; empty: none. It is told about the run by STUDIO_NAME, STUDIO_STATE, STUDIO_TEXT and STUDIO_RUN in its environment. No shell reads it: for pipes and variables write sh -c &apos;...&apos;. Where the computer is to sleep or shut down then, it has a minute.</source>
        <translation>训练结束时要运行的命令，例如发送消息的命令；留空则不运行。训练的情况写在环境变量 STUDIO_NAME、STUDIO_STATE、STUDIO_TEXT 和 STUDIO_RUN 中。命令不经过 shell：需要管道和变量时请写 sh -c &apos;...&apos;。如果之后电脑要睡眠或关机，命令有一分钟的时间。</translation>
    </message>
    <message>
        <source>The computer goes to sleep once no run is at work or waits any more.</source>
        <translation>一旦没有训练在进行或等待，电脑就进入睡眠。</translation>
    </message>
    <message>
        <source>The computer shuts down once no run is at work or waits any more.</source>
        <translation>一旦没有训练在进行或等待，电脑就关机。</translation>
    </message>
    <message>
        <source>All runs are done: the computer goes to sleep in a minute.</source>
        <translation>全部训练已完成：电脑将在一分钟后进入睡眠。</translation>
    </message>
    <message>
        <source>All runs are done: the computer shuts down in a minute.</source>
        <translation>全部训练已完成：电脑将在一分钟后关机。</translation>
    </message>
    <message>
        <source>Leave it on</source>
        <translation>保持开机</translation>
    </message>
</context>
<context>
    <name>Nothing</name>
    <message>
        <source>Add data file...</source>
        <translation>添加数据文件…</translation>
    </message>
    <message>
        <source>Look at the built-in data</source>
        <translation>查看内置数据</translation>
    </message>
    <message>
        <source>Open a data file or a folder of them, or drop one anywhere on the window: JSONL, JSON, CSV, Parquet, Arrow, XLSX, text, also compressed. Its format is found out, and every row that cannot be used is listed with its line and the reason.</source>
        <translation>打开数据文件或其所在的文件夹，或拖放到窗口任意位置：JSONL、JSON、CSV、Parquet、Arrow、XLSX、文本，压缩的也可以。格式会自动识别，每个不能使用的行都会连同行号和原因列出。</translation>
    </message>
    <message>
        <source>What is the model to learn?</source>
        <translation>要让模型学习什么？</translation>
    </message>
</context>
<context>
    <name>Notices</name>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>关闭提示</translation>
    </message>
</context>
<context>
    <name>PickerButton</name>
    <message>
        <source>Choose...</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose modules of the model</source>
        <translation>选择模型的模块</translation>
    </message>
    <message>
        <source>chosen modules</source>
        <translation>所选模块</translation>
    </message>
    <message>
        <source>Every weight is trained, so there are no modules to choose.</source>
        <translation>训练全部权重，因此没有模块可选。</translation>
    </message>
    <message>
        <source>An adapter that is trained further keeps its modules.</source>
        <translation>继续训练的适配器保持其模块不变。</translation>
    </message>
    <message>
        <source>A setting of the adapter is wrong; put it right first.</source>
        <translation>适配器的某项设置有误；请先更正。</translation>
    </message>
    <message>
        <source>The model&apos;s structure is not known yet.</source>
        <translation>尚不清楚模型的结构。</translation>
    </message>
    <message>
        <source>Tick modules of the model, and give branches of it their own ranks</source>
        <translation>勾选模型的模块，并为其分支单独设置秩</translation>
    </message>
</context>
<context>
    <name>PlainFile</name>
    <message>
        <source>Not every row was checked.</source>
        <translation>并非每一行都已检查。</translation>
    </message>
    <message>
        <source>Not all was read.</source>
        <translation>没有全部读取。</translation>
    </message>
    <message>
        <source>Checking every row</source>
        <translation>正在检查每一行</translation>
    </message>
    <message>
        <source>columns</source>
        <translation>列</translation>
    </message>
    <message>
        <source>Usable</source>
        <translation>可用</translation>
    </message>
    <message>
        <source>Rejected</source>
        <translation>被拒绝</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>读取数据</translation>
    </message>
    <message>
        <source>{count} row</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} rows</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{good} of {count} row can be used.</source>
        <translation>共 {count} 行，其中 {good} 行可用。</translation>
    </message>
    <message>
        <source>{good} of {count} rows can be used.</source>
        <translation>共 {count} 行，其中 {good} 行可用。</translation>
    </message>
</context>
<context>
    <name>RateBar</name>
    <message>
        <source>{rate}, between {low} and {high}</source>
        <translation>{rate}，介于 {low} 和 {high} 之间</translation>
    </message>
</context>
<context>
    <name>RateDialog</name>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>The peak of the schedule from the next step on; its shape stays.</source>
        <translation>从下一步起的调度峰值；调度曲线的形状不变。</translation>
    </message>
    <message>
        <source>The last step was made with {rate}.</source>
        <translation>上一步所用的学习率为 {rate}。</translation>
    </message>
    <message>
        <source>Change it</source>
        <translation>更改</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Type a number: {bounds}.</source>
        <translation>请输入数字：{bounds}。</translation>
    </message>
</context>
<context>
    <name>Reason</name>
    <message>
        <source>Go to it</source>
        <translation>转到该处</translation>
    </message>
    <message>
        <source>Why it cannot start</source>
        <translation>无法开始的原因</translation>
    </message>
</context>
<context>
    <name>Rejected</name>
    <message>
        <source>Rejected rows</source>
        <translation>被拒绝的行</translation>
    </message>
    <message>
        <source>The row as its file has it</source>
        <translation>文件中的原始行</translation>
    </message>
    <message>
        <source>Put it back</source>
        <translation>放回</translation>
    </message>
    <message>
        <source>Use the corrected row in a version; the file stays as it is ({keys})</source>
        <translation>在版本中使用改正后的行；文件保持不变（{keys}）</translation>
    </message>
    <message>
        <source>Revert</source>
        <translation>还原</translation>
    </message>
    <message>
        <source>mend a rejected row</source>
        <translation>修正被拒绝的行</translation>
    </message>
    <message>
        <source>Choose a row to correct it.</source>
        <translation>选择一行进行改正。</translation>
    </message>
    <message>
        <source>Reading {name} ...</source>
        <translation>正在读取 {name}…</translation>
    </message>
    <message>
        <source>Open the data again.</source>
        <translation>请重新打开数据。</translation>
    </message>
    <message>
        <source>{file}, line {line}</source>
        <translation>{file}，第 {line} 行</translation>
    </message>
    <message>
        <source>{file}, row {row}</source>
        <translation>{file}，第 {row} 条</translation>
    </message>
    <message>
        <source>The file has no text of it: write the row as JSON.</source>
        <translation>文件中没有它的文本：请以 JSON 写出这一行。</translation>
    </message>
    <message>
        <source>Only its beginning is shown.</source>
        <translation>只显示其开头。</translation>
    </message>
    <message>
        <source>The row can be used.</source>
        <translation>这一行可以使用。</translation>
    </message>
</context>
<context>
    <name>RejectedTable</name>
    <message>
        <source>Row</source>
        <translation>行</translation>
    </message>
    <message>
        <source>Line</source>
        <translation>文件行号</translation>
    </message>
    <message>
        <source>Why it cannot be used</source>
        <translation>不能使用的原因</translation>
    </message>
</context>
<context>
    <name>RowEditor</name>
    <message>
        <source>Edit the row</source>
        <translation>编辑该行</translation>
    </message>
</context>
<context>
    <name>RowPane</name>
    <message>
        <source>The whole row</source>
        <translation>完整的一行</translation>
    </message>
    <message>
        <source>Views of the row</source>
        <translation>该行的显示方式</translation>
    </message>
    <message>
        <source>As it is written</source>
        <translation>原文</translation>
    </message>
    <message>
        <source>As the model reads it</source>
        <translation>模型所见</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Save the row ({keys})</source>
        <translation>保存该行（{keys}）</translation>
    </message>
    <message>
        <source>Revert</source>
        <translation>还原</translation>
    </message>
    <message>
        <source>This row cannot be read, so there is nothing to edit.</source>
        <translation>该行无法读取，因此没有可编辑的内容。</translation>
    </message>
    <message>
        <source>Not saved yet</source>
        <translation>尚未保存</translation>
    </message>
    <message>
        <source>The edit of row {number} was not saved.</source>
        <translation>对第 {number} 行的编辑没有保存。</translation>
    </message>
    <message>
        <source>Save it</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>The edit of row {number} was not saved: {reason}.</source>
        <translation>第 {number} 行的编辑未保存：{reason}。</translation>
    </message>
    <message>
        <source>Go back to it</source>
        <translation>回到该行</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer is being loaded ...</source>
        <translation>正在加载模型的分词器…</translation>
    </message>
    <message>
        <source>Row {number} of {name}</source>
        <translation>{name} 的第 {number} 行</translation>
    </message>
    <message>
        <source>chat template</source>
        <translation>对话模板</translation>
    </message>
    <message>
        <source>Training uses this template now.</source>
        <translation>训练现在使用此模板。</translation>
    </message>
</context>
<context>
    <name>RowSearch</name>
    <message>
        <source>Any status</source>
        <translation>任意状态</translation>
    </message>
    <message>
        <source>Clear: {title}</source>
        <translation>清除：{title}</translation>
    </message>
    <message>
        <source>Search all rows</source>
        <translation>搜索所有行</translation>
    </message>
    <message>
        <source>A regular expression, in which letter case counts</source>
        <translation>正则表达式，区分大小写</translation>
    </message>
    <message>
        <source>Regular expression</source>
        <translation>正则表达式</translation>
    </message>
    <message>
        <source>Filters</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Any role</source>
        <translation>任意角色</translation>
    </message>
    <message>
        <source>Role</source>
        <translation>角色</translation>
    </message>
    <message>
        <source>Rows that have a message of this role</source>
        <translation>含有此角色消息的行</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>File name</source>
        <translation>文件名</translation>
    </message>
    <message>
        <source>Rows of files with this in their name</source>
        <translation>文件名含有此内容的文件中的行</translation>
    </message>
    <message>
        <source>Least length</source>
        <translation>最小长度</translation>
    </message>
    <message>
        <source>Greatest length</source>
        <translation>最大长度</translation>
    </message>
    <message>
        <source>Save as version</source>
        <translation>保存为版本</translation>
    </message>
    <message>
        <source>Keep only the rows shown, as a step that can be undone</source>
        <translation>只保留显示的行，作为可撤销的步骤</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>长度</translation>
    </message>
    <message>
        <source>to</source>
        <translation>至</translation>
    </message>
    <message>
        <source>bytes</source>
        <translation>字节</translation>
    </message>
    <message>
        <source>Searching ...</source>
        <translation>正在搜索…</translation>
    </message>
    <message>
        <source>{count} so far</source>
        <translation>目前 {count} 行</translation>
    </message>
    <message>
        <source>{count} found</source>
        <translation>找到 {count} 行</translation>
    </message>
    <message>
        <source>{count} found before it was cancelled</source>
        <translation>取消前找到 {count} 行</translation>
    </message>
</context>
<context>
    <name>RowsView</name>
    <message>
        <source>Rows</source>
        <translation>数据行</translation>
    </message>
    <message>
        <source>exclude rows</source>
        <translation>排除数据行</translation>
    </message>
    <message>
        <source>restore rows</source>
        <translation>恢复数据行</translation>
    </message>
    <message>
        <source>Previous row (K)</source>
        <translation>上一行 (K)</translation>
    </message>
    <message>
        <source>Next row (J)</source>
        <translation>下一行 (J)</translation>
    </message>
    <message>
        <source>Exclude</source>
        <translation>排除</translation>
    </message>
    <message>
        <source>Take the rows out; they stay in sight (X)</source>
        <translation>排除这些行；它们仍然可见 (X)</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Bring the rows back (R)</source>
        <translation>恢复这些行 (R)</translation>
    </message>
    <message>
        <source>Tag...</source>
        <translation>标签…</translation>
    </message>
    <message>
        <source>Put a tag on the rows (T)</source>
        <translation>为这些行添加标签 (T)</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Edit the row (E)</source>
        <translation>编辑该行 (E)</translation>
    </message>
    <message>
        <source>Next row</source>
        <translation>下一行</translation>
    </message>
    <message>
        <source>Previous row</source>
        <translation>上一行</translation>
    </message>
    <message>
        <source>Save the row</source>
        <translation>保存该行</translation>
    </message>
    <message>
        <source>Rows tagged `eval` are held back for evaluation.</source>
        <translation>带 `eval` 标签的行留作评估。</translation>
    </message>
    <message>
        <source>Tag rows</source>
        <translation>为数据行添加标签</translation>
    </message>
    <message>
        <source>Tag</source>
        <translation>加标签</translation>
    </message>
    <message>
        <source>tag rows</source>
        <translation>添加标签</translation>
    </message>
    <message>
        <source>edit a row</source>
        <translation>编辑一行</translation>
    </message>
    <message>
        <source>No row is like this.</source>
        <translation>没有符合条件的行。</translation>
    </message>
</context>
<context>
    <name>RunAnswers</name>
    <message>
        <source>Prompt</source>
        <translation>提示词</translation>
    </message>
    <message>
        <source>Evaluation whose answer is shown</source>
        <translation>显示哪次评估的回答</translation>
    </message>
    <message>
        <source>Answer before training</source>
        <translation>训练前的回答</translation>
    </message>
    <message>
        <source>Answer at the step chosen</source>
        <translation>所选步的回答</translation>
    </message>
    <message>
        <source>The whole prompt</source>
        <translation>完整提示词</translation>
    </message>
    <message>
        <source>Before training</source>
        <translation>训练前</translation>
    </message>
    <message>
        <source>Step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>This run answers no prompts. Name some in Configure, and you can read here what is learned: each is answered before training and at every evaluation.</source>
        <translation>该训练任务没有要回答的提示词。在“配置”中写几条，就能在这里看到学到了什么：每条在训练前和每次评估时回答一次。</translation>
    </message>
    <message>
        <source>Nothing was answered yet.</source>
        <translation>还没有回答。</translation>
    </message>
</context>
<context>
    <name>RunAsk</name>
    <message>
        <source>Ask the run something. {keys} asks it.</source>
        <translation>向训练提问。按 {keys} 发送。</translation>
    </message>
    <message>
        <source>Question to the run</source>
        <translation>向训练提出的问题</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Else the next question is asked behind what was said last.</source>
        <translation>否则下一个问题接在上次对话之后。</translation>
    </message>
    <message>
        <source>Step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>It answers behind its current step: {question}</source>
        <translation>它在当前步之后回答：{question}</translation>
    </message>
    <message>
        <source>The next question is asked behind what was said last.</source>
        <translation>下一个问题接在上次对话之后。</translation>
    </message>
    <message>
        <source>The run is not at work. What it made can be asked on the Compare page.</source>
        <translation>训练没有在进行。可以在“对比”页向它的成果提问。</translation>
    </message>
    <message>
        <source>The run is not at work.</source>
        <translation>训练没有在进行。</translation>
    </message>
    <message>
        <source>It can be asked as soon as it trains.</source>
        <translation>开始训练后即可提问。</translation>
    </message>
    <message>
        <source>It comes to its end and answers no more.</source>
        <translation>训练即将结束，不再回答。</translation>
    </message>
</context>
<context>
    <name>RunChoice</name>
    <message>
        <source>Search the runs</source>
        <translation>搜索训练任务</translation>
    </message>
    <message>
        <source>Runs to lay over this one</source>
        <translation>要叠加的训练任务</translation>
    </message>
    <message>
        <source>Enter lays a run over the shown one or takes it away, at most {n}. Esc closes.</source>
        <translation>按回车键叠加或移除训练任务，最多 {n} 个。按 Esc 键关闭。</translation>
    </message>
    <message>
        <source>No run is called so.</source>
        <translation>没有叫这个名字的训练任务。</translation>
    </message>
    <message>
        <source>There is no other run.</source>
        <translation>没有其他训练任务。</translation>
    </message>
</context>
<context>
    <name>RunCurves</name>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>Gradient norm</source>
        <translation>梯度范数</translation>
    </message>
    <message>
        <source>Tokens / s</source>
        <translation>词元/秒</translation>
    </message>
    <message>
        <source>Reward accuracy</source>
        <translation>奖励准确率</translation>
    </message>
    <message>
        <source>Choose a run on the left.</source>
        <translation>请在左侧选择训练任务。</translation>
    </message>
    <message>
        <source>The curves begin with the first step.</source>
        <translation>曲线从第一步开始。</translation>
    </message>
    <message>
        <source>This run ended before its first step. Its log says what it did.</source>
        <translation>此训练任务在第一步之前就已结束。原因见其日志。</translation>
    </message>
    <message>
        <source>No run is chosen</source>
        <translation>未选择训练任务</translation>
    </message>
    <message>
        <source>It is getting ready</source>
        <translation>正在准备</translation>
    </message>
    <message>
        <source>No step was made</source>
        <translation>没有完成任何一步</translation>
    </message>
    <message>
        <source>It is paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>It begins when the runs before it have ended.</source>
        <translation>它会在前面的运行结束后开始。</translation>
    </message>
    <message>
        <source>It waits for its turn</source>
        <translation>正在排队等待</translation>
    </message>
    <message>
        <source>At most {n} other runs are laid over one.</source>
        <translation>最多可以叠加 {n} 个其他运行。</translation>
    </message>
    <message>
        <source>Logarithmic</source>
        <translation>对数坐标</translation>
    </message>
    <message>
        <source>Logarithmic loss axis</source>
        <translation>损失轴使用对数坐标</translation>
    </message>
    <message>
        <source>Smoothing</source>
        <translation>平滑</translation>
    </message>
    <message>
        <source>Whole curve</source>
        <translation>完整曲线</translation>
    </message>
    <message>
        <source>Lay other runs over this one</source>
        <translation>叠加其他训练任务的曲线</translation>
    </message>
    <message>
        <source>Compare with...</source>
        <translation>对比……</translation>
    </message>
    <message>
        <source>What differs</source>
        <translation>差异</translation>
    </message>
    <message>
        <source>The settings in which these runs differ, and how each came out</source>
        <translation>这些训练任务有哪些设置不同，以及各自的结果</translation>
    </message>
</context>
<context>
    <name>RunDifferences</name>
    <message>
        <source>What differs between the runs</source>
        <translation>训练任务之间的差异</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Their settings are the same.</source>
        <translation>它们的设置相同。</translation>
    </message>
    <message>
        <source>The comparison is on the clipboard.</source>
        <translation>对比表已复制到剪贴板。</translation>
    </message>
</context>
<context>
    <name>RunExplained</name>
    <message>
        <source>Nothing stands out so far.</source>
        <translation>目前没有值得注意的地方。</translation>
    </message>
    <message>
        <source>Good</source>
        <translation>良好</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Problem</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Rows of step {n}</source>
        <translation>第 {n} 步的行</translation>
    </message>
    <message>
        <source>New run with {settings}</source>
        <translation>新运行：{settings}</translation>
    </message>
</context>
<context>
    <name>RunFailure</name>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Resume the run</source>
        <translation>恢复训练任务</translation>
    </message>
    <message>
        <source>Show its rows</source>
        <translation>查看这一步的行</translation>
    </message>
    <message>
        <source>Resume with smaller passes</source>
        <translation>以更小的传递恢复</translation>
    </message>
    <message>
        <source>Rows and batches stay; from there on numbers may differ in their last bits, and dropout draws others.</source>
        <translation>行和批次不变；此后数值的末位可能不同，dropout 的随机结果也不同。</translation>
    </message>
    <message>
        <source>Change the settings</source>
        <translation>修改设置</translation>
    </message>
    <message>
        <source>Resume at a rate of {rate}</source>
        <translation>以 {rate} 的学习率继续</translation>
    </message>
    <message>
        <source>Resume in less memory</source>
        <translation>以更少的内存恢复</translation>
    </message>
    <message>
        <source>Use nf4 in a new run</source>
        <translation>在新训练任务中使用 nf4</translation>
    </message>
</context>
<context>
    <name>RunFigures</name>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Best eval loss</source>
        <translation>最低评估损失</translation>
    </message>
    <message>
        <source>Tokens / s</source>
        <translation>词元/秒</translation>
    </message>
    <message>
        <source>Epoch</source>
        <translation>轮次</translation>
    </message>
    <message>
        <source>Peak memory</source>
        <translation>内存峰值</translation>
    </message>
    <message>
        <source>Reward accuracy</source>
        <translation>奖励准确率</translation>
    </message>
    <message>
        <source>Before training it was {loss}.</source>
        <translation>训练前为 {loss}。</translation>
    </message>
    <message>
        <source>Of the evaluation rows at step {step}.</source>
        <translation>第 {step} 步评估数据行中的比例。</translation>
    </message>
    <message>
        <source>Of the last step&apos;s rows.</source>
        <translation>最近一步的数据行。</translation>
    </message>
    <message>
        <source>The last step&apos;s reward margin is {margin}.</source>
        <translation>最后一步的奖励差距为 {margin}。</translation>
    </message>
    <message>
        <source>The share of better answers preferred, or of labelled ones judged as they are labelled.</source>
        <translation>较好的回答受到偏好的比例；对带标签的回答，是判断与标签一致的比例。</translation>
    </message>
    <message>
        <source>Processor threads: {threads}. Tokens at once: {tokens}.</source>
        <translation>处理器线程：{threads}。每次词元数：{tokens}。</translation>
    </message>
    <message>
        <source>Activations are computed again in the backward pass.</source>
        <translation>激活值在反向传播中重新计算。</translation>
    </message>
    <message>
        <source>Attention by kernels of its own, which this card computes faster.</source>
        <translation>注意力由自带的内核计算，在这块显卡上更快。</translation>
    </message>
    <message>
        <source>Not taken: {path} ({reason})</source>
        <translation>未采用：{path}（{reason}）</translation>
    </message>
</context>
<context>
    <name>RunHappened</name>
    <message>
        <source>step {n}</source>
        <translation>第 {n} 步</translation>
    </message>
</context>
<context>
    <name>RunHead</name>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>开始</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Stopping</source>
        <translation>正在停止</translation>
    </message>
    <message>
        <source>Waiting for {name}, which is paused</source>
        <translation>等待已暂停的 {name}</translation>
    </message>
    <message>
        <source>Waiting for {name}</source>
        <translation>等待 {name}</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>正在启动</translation>
    </message>
    <message>
        <source>Step {step} of {steps}</source>
        <translation>第 {step} 步，共 {steps} 步</translation>
    </message>
    <message>
        <source>It made no step</source>
        <translation>没有完成任何一步</translation>
    </message>
    <message>
        <source>model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>adapter</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>trained in</source>
        <translation>训练用时</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
</context>
<context>
    <name>RunLayers</name>
    <message>
        <source>Checkpoint</source>
        <translation>检查点</translation>
    </message>
    <message>
        <source>The run has saved no checkpoint yet; the layers are read from them.</source>
        <translation>此运行还没有保存检查点；各层由检查点读出。</translation>
    </message>
    <message>
        <source>Newest</source>
        <translation>最新</translation>
    </message>
    <message>
        <source>Newest (step {step})</source>
        <translation>最新（第 {step} 步）</translation>
    </message>
    <message>
        <source>Step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
</context>
<context>
    <name>RunLegend</name>
    <message>
        <source>Take away the run {name}</source>
        <translation>移除训练任务 {name}</translation>
    </message>
</context>
<context>
    <name>RunLog</name>
    <message>
        <source>The run has printed nothing.</source>
        <translation>训练任务没有任何输出。</translation>
    </message>
    <message>
        <source>The end of the run&apos;s log</source>
        <translation>训练任务日志的末尾</translation>
    </message>
    <message>
        <source>Open the run folder</source>
        <translation>打开训练任务文件夹</translation>
    </message>
    <message>
        <source>What the run and its libraries print (worker.log)</source>
        <translation>训练任务及其所用库的输出（worker.log）</translation>
    </message>
</context>
<context>
    <name>RunRows</name>
    <message>
        <source>Look again</source>
        <translation>重新查看</translation>
    </message>
    <message>
        <source>Show in the data</source>
        <translation>在数据中显示</translation>
    </message>
    <message>
        <source>The rows chosen here, or all that are listed, to be edited or taken out</source>
        <translation>此处选中的行；未选中时为列出的全部。可在数据中编辑或排除</translation>
    </message>
    <message>
        <source>Token by token</source>
        <translation>逐词元</translation>
    </message>
    <message>
        <source>How likely the base and the run&apos;s adapter hold every token of the row chosen here (key T)</source>
        <translation>基座和该训练任务的适配器认为所选行中每个词元有多大概率（T 键）</translation>
    </message>
    <message>
        <source>Order by what lies above</source>
        <translation>按高出的损失排序</translation>
    </message>
    <message>
        <source>Order by loss</source>
        <translation>按损失排序</translation>
    </message>
    <message>
        <source>Order by change</source>
        <translation>按变化排序</translation>
    </message>
    <message>
        <source>Looking for the rows ...</source>
        <translation>正在查找这些行……</translation>
    </message>
    <message>
        <source>Only the rows of this step</source>
        <translation>只看这一步的行</translation>
    </message>
    <message>
        <source>All steps</source>
        <translation>全部步</translation>
    </message>
    <message>
        <source>Step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>Rows by their loss</source>
        <translation>按损失排列的行</translation>
    </message>
    <message>
        <source>{count} row in this step</source>
        <translation>这一步有 {count} 行</translation>
    </message>
    <message>
        <source>{count} rows in this step</source>
        <translation>这一步有 {count} 行</translation>
    </message>
    <message>
        <source>{count} row was trained on</source>
        <translation>已训练 {count} 行</translation>
    </message>
    <message>
        <source>{count} rows were trained on</source>
        <translation>已训练 {count} 行</translation>
    </message>
    <message>
        <source>the first {count} are shown</source>
        <translation>显示前 {count} 行</translation>
    </message>
    <message>
        <source>by step {step}</source>
        <translation>截至第 {step} 步</translation>
    </message>
    <message>
        <source>The run has nothing in the library yet: stop it, or let it end.</source>
        <translation>这次训练在库中还没有成果：请停止它，或让它结束。</translation>
    </message>
    <message>
        <source>Row {number} of {name}</source>
        <translation>{name} 的第 {number} 行</translation>
    </message>
    <message>
        <source>Rows of {name} by their loss</source>
        <translation>{name} 按损失排列的行</translation>
    </message>
    <message>
        <source>Step {step} of {name}</source>
        <translation>{name} 的第 {step} 步</translation>
    </message>
</context>
<context>
    <name>RunTable</name>
    <message>
        <source>place {n}</source>
        <translation>位置 {n}</translation>
    </message>
    <message>
        <source>step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>loss</source>
        <translation>损失</translation>
    </message>
</context>
<context>
    <name>RunView</name>
    <message>
        <source>Views of the run</source>
        <translation>训练任务的视图</translation>
    </message>
    <message>
        <source>Curves</source>
        <translation>曲线</translation>
    </message>
    <message>
        <source>Rows</source>
        <translation>数据行</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Explained</source>
        <translation>解读</translation>
    </message>
    <message>
        <source>History</source>
        <translation>历史</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Stop and save the adapter</source>
        <translation>停止并保存适配器</translation>
    </message>
    <message>
        <source>Stop with a checkpoint only</source>
        <translation>停止，仅保存检查点</translation>
    </message>
    <message>
        <source>End now with a checkpoint</source>
        <translation>立即结束并保存检查点</translation>
    </message>
    <message>
        <source>Kill the process</source>
        <translation>强制终止进程</translation>
    </message>
    <message>
        <source>Pause or go on</source>
        <translation>暂停或继续</translation>
    </message>
    <message>
        <source>Save a checkpoint now</source>
        <translation>立即保存检查点</translation>
    </message>
    <message>
        <source>Evaluate now</source>
        <translation>立即评估</translation>
    </message>
    <message>
        <source>Change the learning rate...</source>
        <translation>更改学习率…</translation>
    </message>
    <message>
        <source>Resume the run</source>
        <translation>恢复训练任务</translation>
    </message>
    <message>
        <source>Start it now</source>
        <translation>让它立即开始</translation>
    </message>
    <message>
        <source>Earlier in the queue</source>
        <translation>在队列中提前</translation>
    </message>
    <message>
        <source>Later in the queue</source>
        <translation>在队列中推后</translation>
    </message>
    <message>
        <source>Compare with other runs...</source>
        <translation>与其他运行比较…</translation>
    </message>
    <message>
        <source>Open the run folder</source>
        <translation>打开训练任务文件夹</translation>
    </message>
    <message>
        <source>Export the model...</source>
        <translation>导出模型…</translation>
    </message>
    <message>
        <source>Use these settings for a new run</source>
        <translation>用这些设置新建训练任务</translation>
    </message>
    <message>
        <source>Save as a run capsule...</source>
        <translation>另存为训练胶囊…</translation>
    </message>
    <message>
        <source>The run&apos;s settings</source>
        <translation>训练任务的设置</translation>
    </message>
    <message>
        <source>Settings that differ from the defaults</source>
        <translation>不同于默认值的设置</translation>
    </message>
    <message>
        <source>Take it out of the queue</source>
        <translation>从队列中移除</translation>
    </message>
    <message>
        <source>Stop the run first.</source>
        <translation>请先停止该训练任务。</translation>
    </message>
    <message>
        <source>The run has no evaluation rows.</source>
        <translation>该训练任务没有评估行。</translation>
    </message>
    <message>
        <source>The run&apos;s process is not to be found on this machine.</source>
        <translation>在本机上找不到该训练任务的进程。</translation>
    </message>
    <message>
        <source>settings of {name}</source>
        <translation>{name} 的设置</translation>
    </message>
    <message>
        <source>What the run made is not in the library any more; it may be in the trash.</source>
        <translation>该运行的成果已不在库中；可能在回收站里。</translation>
    </message>
</context>
<context>
    <name>ScoreColumn</name>
    <message>
        <source>What {name} makes of the text</source>
        <translation>{name} 对文本的判断</translation>
    </message>
    <message>
        <source>model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>adapter</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>base</source>
        <translation>基座</translation>
    </message>
    <message>
        <source>Nothing was computed of this token.</source>
        <translation>此词元没有计算结果。</translation>
    </message>
    <message>
        <source>{share} likely, loss {loss}</source>
        <translation>概率 {share}，损失 {loss}</translation>
    </message>
    <message>
        <source>{share} likely, loss {loss}, {times} times the base&apos;s</source>
        <translation>概率 {share}，损失 {loss}，为基座的 {times} 倍</translation>
    </message>
    <message>
        <source>Likeliest: {tokens}</source>
        <translation>最可能：{tokens}</translation>
    </message>
    <message>
        <source>loss {loss}</source>
        <translation>损失 {loss}</translation>
    </message>
    <message>
        <source>perplexity {n}</source>
        <translation>困惑度 {n}</translation>
    </message>
</context>
<context>
    <name>ScoreView</name>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Difference</source>
        <translation>差别</translation>
    </message>
    <message>
        <source>The stronger the colour, the less likely the token is held</source>
        <translation>颜色越深，模型认为该词元的概率越低</translation>
    </message>
    <message>
        <source>By how much likelier than the base an adapter holds the token, or less likely</source>
        <translation>适配器认为该词元的概率比基座高多少或低多少</translation>
    </message>
    <message>
        <source>All tokens</source>
        <translation>所有词元</translation>
    </message>
    <message>
        <source>Colour what is not learned too, such as the question</source>
        <translation>也为不学习的部分着色，例如问题</translation>
    </message>
    <message>
        <source>Spaces</source>
        <translation>空格</translation>
    </message>
    <message>
        <source>Write out spaces and invisible characters</source>
        <translation>显示空格和不可见字符</translation>
    </message>
    <message>
        <source>Worse answer</source>
        <translation>较差的回答</translation>
    </message>
    <message>
        <source>This row has two answers: show the one that is not preferred</source>
        <translation>这一行有两个回答：显示不被偏好的那个</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>下一个</translation>
    </message>
    <message>
        <source>Go to the token with the largest number among the adapters&apos;, then to the next largest</source>
        <translation>转到各适配器中数值最大的词元，然后依次转到下一个</translation>
    </message>
    <message>
        <source>Token looked at</source>
        <translation>正在查看的词元</translation>
    </message>
    <message>
        <source>The loss is that of {count} token</source>
        <translation>损失为 {count} 个词元的值</translation>
    </message>
    <message>
        <source>The loss is the mean of {count} tokens</source>
        <translation>损失为 {count} 个词元的平均值</translation>
    </message>
    <message>
        <source>only {n} of {all} are read, the others are behind the maximum length or the model&apos;s limit</source>
        <translation>仅读取 {all} 个中的 {n} 个，其余超出最大长度或模型的上限</translation>
    </message>
    <message>
        <source>the first {n} are shown</source>
        <translation>显示前 {n} 个</translation>
    </message>
    <message>
        <source>Token {n} of {all}</source>
        <translation>第 {n} 个词元，共 {all} 个</translation>
    </message>
    <message>
        <source>not read</source>
        <translation>未读取</translation>
    </message>
    <message>
        <source>learned</source>
        <translation>参与学习</translation>
    </message>
    <message>
        <source>not learned</source>
        <translation>不学习</translation>
    </message>
    <message>
        <source>Likelier</source>
        <translation>更可能</translation>
    </message>
    <message>
        <source>Less likely</source>
        <translation>更不可能</translation>
    </message>
    <message>
        <source>Certain</source>
        <translation>确定</translation>
    </message>
    <message>
        <source>Surprising</source>
        <translation>意外</translation>
    </message>
</context>
<context>
    <name>Session</name>
    <message>
        <source>Other changes were made since: {keys} takes them back, the latest first.</source>
        <translation>此后又有其他更改：按 {keys} 可从最近的更改起逐一撤销。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Undone: {what}.</source>
        <translation>已撤销：{what}。</translation>
    </message>
    <message>
        <source>Done again: {what}.</source>
        <translation>已重做：{what}。</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>Cut off before the end: {names}.</source>
        <translation>结束前被中断：{names}。</translation>
    </message>
    <message>
        <source>Queue again</source>
        <translation>重新排队</translation>
    </message>
    <message>
        <source>The run is done: the adapter {name} is in the library.</source>
        <translation>训练已完成：适配器 {name} 已放入适配器库。</translation>
    </message>
    <message>
        <source>The run is done: the model {name} is in the library.</source>
        <translation>训练完成：模型 {name} 已在库中。</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>查看</translation>
    </message>
    <message>
        <source>{name} is done: its model lies in the run folder.</source>
        <translation>{name} 已完成：模型在训练任务文件夹中。</translation>
    </message>
</context>
<context>
    <name>SeveralDialog</name>
    <message>
        <source>Try several values</source>
        <translation>尝试多个值</translation>
    </message>
    <message>
        <source>Values stand between commas. Each combination is a run of its own; they train in turn.</source>
        <translation>各个值用逗号分隔。每种组合是一个单独的运行，依次训练。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Setting {n}</source>
        <translation>设置 {n}</translation>
    </message>
    <message>
        <source>Values of setting {n}</source>
        <translation>设置 {n} 的值</translation>
    </message>
    <message>
        <source>No setting</source>
        <translation>无设置</translation>
    </message>
    <message>
        <source>and {count} more</source>
        <translation>以及另外 {count} 个</translation>
    </message>
    <message>
        <source>Queue {count} run</source>
        <translation>将 {count} 个运行加入队列</translation>
    </message>
    <message>
        <source>Queue {count} runs</source>
        <translation>将 {count} 个运行加入队列</translation>
    </message>
</context>
<context>
    <name>Shortcuts</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
</context>
<context>
    <name>SpaceDialog</name>
    <message>
        <source>Disk space</source>
        <translation>磁盘空间</translation>
    </message>
    <message>
        <source>Optimizer states of runs that are done: nothing needs them any more</source>
        <translation>已完成任务的优化器状态：不再需要</translation>
    </message>
    <message>
        <source>The cache: made again when it is needed, which takes a while</source>
        <translation>缓存：需要时会重新生成，要花些时间</translation>
    </message>
    <message>
        <source>The trash: what was removed is then gone for good</source>
        <translation>回收站：其中的内容将被彻底删除</translation>
    </message>
    <message>
        <source>In the trash</source>
        <translation>回收站中</translation>
    </message>
    <message>
        <source>The trash is empty.</source>
        <translation>回收站是空的。</translation>
    </message>
    <message>
        <source>Bring back</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Remove for good</source>
        <translation>彻底删除</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>训练任务</translation>
    </message>
    <message>
        <source>The library</source>
        <translation>适配器库</translation>
    </message>
    <message>
        <source>run</source>
        <translation>训练任务</translation>
    </message>
    <message>
        <source>adapter</source>
        <translation>适配器</translation>
    </message>
    <message>
        <source>model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>blind test</source>
        <translation>盲测</translation>
    </message>
    <message>
        <source>{name} ({kind}), removed {date}, {size}</source>
        <translation>{name}（{kind}），删除于 {date}，{size}</translation>
    </message>
    <message>
        <source>Free {size}</source>
        <translation>释放 {size}</translation>
    </message>
    <message>
        <source>Free</source>
        <translation>释放</translation>
    </message>
</context>
<context>
    <name>StandingView</name>
    <message>
        <source>Base model</source>
        <translation>基座模型</translation>
    </message>
    <message>
        <source>Wins</source>
        <translation>胜率</translation>
    </message>
    <message>
        <source>Won</source>
        <translation>胜</translation>
    </message>
    <message>
        <source>Lost</source>
        <translation>负</translation>
    </message>
    <message>
        <source>Tied</source>
        <translation>平</translation>
    </message>
    <message>
        <source>{count} pair is not judged: both answers are the same.</source>
        <translation>{count} 对未评判：两个回答相同。</translation>
    </message>
    <message>
        <source>{count} pairs are not judged: both answers are the same.</source>
        <translation>{count} 对未评判：两个回答相同。</translation>
    </message>
    <message>
        <source>A bar shows where the share of wins lies with 95 %; a tie is half a win.</source>
        <translation>条形表示胜率的 95 % 置信区间；平局算半胜。</translation>
    </message>
    <message>
        <source>{one} is better than {other}: {won} to {lost}. By chance alone: {chance}.</source>
        <translation>{one} 优于 {other}：{won} 比 {lost}。仅凭巧合的可能性：{chance}。</translation>
    </message>
    <message>
        <source>{one} and {other}: {won} to {lost}, which may be chance ({chance}).</source>
        <translation>{one} 与 {other}：{won} 比 {lost}，可能只是巧合（{chance}）。</translation>
    </message>
</context>
<context>
    <name>StatusLine</name>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Running jobs</source>
        <translation>进行中的工作</translation>
    </message>
    <message>
        <source> and {count} more</source>
        <translation>，另有 {count} 个</translation>
    </message>
    <message>
        <source>{free} of {total} GPU memory free</source>
        <translation>显存可用 {free}，共 {total}</translation>
    </message>
    <message>
        <source>{free} of {total} memory free</source>
        <translation>内存可用 {free}，共 {total}</translation>
    </message>
    <message>
        <source>{free} of disk free</source>
        <translation>磁盘可用 {free}</translation>
    </message>
    <message>
        <source>{count} run waits</source>
        <translation>{count} 个运行在等待</translation>
    </message>
    <message>
        <source>{count} runs wait</source>
        <translation>{count} 个运行在等待</translation>
    </message>
    <message>
        <source>Answering</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Reading a row</source>
        <translation>正在读取数据行</translation>
    </message>
    <message>
        <source>Counting steps and tokens</source>
        <translation>正在统计步数和词元</translation>
    </message>
    <message>
        <source>Counting memory</source>
        <translation>正在计算内存</translation>
    </message>
    <message>
        <source>Reading the model</source>
        <translation>正在读取模型</translation>
    </message>
    <message>
        <source>Checking the machine</source>
        <translation>正在检查本机</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>正在处理</translation>
    </message>
    <message>
        <source>No job is running</source>
        <translation>没有进行中的工作</translation>
    </message>
    <message>
        <source>step {step} of {steps}</source>
        <translation>第 {step} 步，共 {steps} 步</translation>
    </message>
    <message>
        <source>preparing</source>
        <translation>准备中</translation>
    </message>
</context>
<context>
    <name>StepDialog</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>Summary</name>
    <message>
        <source>Adapt experts too</source>
        <translation>同时适配专家</translation>
    </message>
    <message>
        <source>experts adapted</source>
        <translation>适配专家</translation>
    </message>
    <message>
        <source>State of the summary</source>
        <translation>概要状态</translation>
    </message>
    <message>
        <source>These are the figures of the last settings that were right.</source>
        <translation>这些数值来自上一次正确的设置。</translation>
    </message>
    <message>
        <source>Trainable</source>
        <translation>可训练</translation>
    </message>
    <message>
        <source>Share of all</source>
        <translation>占全部比例</translation>
    </message>
    <message>
        <source>Adapter size</source>
        <translation>适配器大小</translation>
    </message>
    <message>
        <source>Strength</source>
        <translation>强度</translation>
    </message>
    <message>
        <source>Sequences a step</source>
        <translation>每步序列数</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>Tokens an epoch</source>
        <translation>每轮词元</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Reading the model&apos;s structure ...</source>
        <translation>正在读取模型结构…</translation>
    </message>
    <message>
        <source>Counting steps and tokens ...</source>
        <translation>正在统计步数和词元…</translation>
    </message>
    <message>
        <source>Steps and tokens are counted once every setting is right.</source>
        <translation>所有设置正确后，才会统计步数和词元。</translation>
    </message>
    <message>
        <source>{count}, {share} learned</source>
        <translation>{count}，其中 {share} 用于学习</translation>
    </message>
    <message>
        <source>about {time}</source>
        <translation>约 {time}</translation>
    </message>
    <message>
        <source>From the speed of the earlier run most like this one.</source>
        <translation>根据与此最相似的以往训练任务的速度估算。</translation>
    </message>
    <message>
        <source>not known yet</source>
        <translation>尚不清楚</translation>
    </message>
    <message>
        <source>Counting memory ...</source>
        <translation>正在计算内存……</translation>
    </message>
    <message>
        <source>Counting steps and tokens: {share}</source>
        <translation>正在统计步数和词元：{share}</translation>
    </message>
    <message>
        <source>Fetching the model&apos;s tokenizer: {share}</source>
        <translation>正在获取模型的分词器：{share}</translation>
    </message>
    <message>
        <source>{share} of {total}</source>
        <translation>{total} 的 {share}</translation>
    </message>
    <message>
        <source>Every weight is trained itself, so there is no update to scale.</source>
        <translation>每个权重都直接训练，因此没有需要缩放的更新。</translation>
    </message>
    <message>
        <source>{method} has no alpha: how far it goes is up to the learning rate, such as {rate}.</source>
        <translation>{method} 没有 alpha：变化幅度取决于学习率，例如 {rate}。</translation>
    </message>
    <message>
        <source>alpha / sqrt(rank)</source>
        <translation>alpha / sqrt(秩)</translation>
    </message>
    <message>
        <source>alpha / rank</source>
        <translation>alpha / 秩</translation>
    </message>
    <message>
        <source>{a} to {b}</source>
        <translation>{a} 到 {b}</translation>
    </message>
    <message>
        <source>The adapter&apos;s change is added {number} times over: more acts like a larger learning rate.</source>
        <translation>适配器的更改会乘以 {number} 后叠加：数值越大，作用越接近更大的学习率。</translation>
    </message>
    <message>
        <source>{count} row to learn from</source>
        <translation>{count} 行用于学习</translation>
    </message>
    <message>
        <source>{count} rows to learn from</source>
        <translation>{count} 行用于学习</translation>
    </message>
    <message>
        <source>{n} held back</source>
        <translation>{n} 行留作评估</translation>
    </message>
    <message>
        <source>{n} cut at the maximum length</source>
        <translation>{n} 行按最大长度截断</translation>
    </message>
    <message>
        <source>{n} that cannot be read</source>
        <translation>{n} 行无法读取</translation>
    </message>
    <message>
        <source>{n} with nothing to learn</source>
        <translation>{n} 行没有可学习的内容</translation>
    </message>
    <message>
        <source>{rows}.</source>
        <translation>{rows}。</translation>
    </message>
</context>
<context>
    <name>TagEdit</name>
    <message>
        <source>Add a tag</source>
        <translation>添加标签</translation>
    </message>
    <message>
        <source>Remove the tag {name}</source>
        <translation>移除标签 {name}</translation>
    </message>
</context>
<context>
    <name>TemplateEditor</name>
    <message>
        <source>Chat template</source>
        <translation>对话模板</translation>
    </message>
    <message>
        <source>A Jinja chat template; the row beside it follows as you type.</source>
        <translation>Jinja 对话模板；旁边的行会随输入即时变化。</translation>
    </message>
    <message>
        <source>Use this template</source>
        <translation>使用此模板</translation>
    </message>
    <message>
        <source>Take the edits back</source>
        <translation>撤回修改</translation>
    </message>
</context>
<context>
    <name>TextMode</name>
    <message>
        <source>The answer to look at. {keys} runs it.</source>
        <translation>要查看的回答。按 {keys} 运行。</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Write a text instead</source>
        <translation>改为输入文本</translation>
    </message>
    <message>
        <source>See what each makes of every token</source>
        <translation>查看各模型对每个词元的判断</translation>
    </message>
    <message>
        <source>Write a question and an answer, or come here from a row of your data, from a run&apos;s rows or from an answer: every token is coloured by how likely the base and each adapter hold it.</source>
        <translation>输入问题和回答，或从数据的某一行、训练任务的行或某个回答转到这里：每个词元按基座和各适配器认为的概率着色。</translation>
    </message>
    <message>
        <source>Write a question and an answer first.</source>
        <translation>请先输入问题和回答。</translation>
    </message>
</context>
<context>
    <name>TokensView</name>
    <message>
        <source>Tokens of the row</source>
        <translation>该行的词元</translation>
    </message>
    <message>
        <source>Show spaces</source>
        <translation>显示空白字符</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>词元</translation>
    </message>
    <message>
        <source>Template</source>
        <translation>模板</translation>
    </message>
    <message>
        <source>Write the chat template and see at once what it makes of the row</source>
        <translation>编写对话模板，并立即查看它对该行的处理结果</translation>
    </message>
    <message>
        <source>Token under the pointer</source>
        <translation>指针所指的词元</translation>
    </message>
    <message>
        <source>Worse answer</source>
        <translation>较差的回答</translation>
    </message>
    <message>
        <source>This row has two answers: show the one that is not preferred</source>
        <translation>这一行有两个回答：显示不被偏好的那个</translation>
    </message>
    <message>
        <source>Token by token</source>
        <translation>逐词元</translation>
    </message>
    <message>
        <source>See how likely the base and adapters hold every token of this row</source>
        <translation>查看基座和适配器认为此行每个词元有多大概率</translation>
    </message>
    <message>
        <source>learned</source>
        <translation>参与学习</translation>
    </message>
    <message>
        <source>learned to be avoided</source>
        <translation>学习避免</translation>
    </message>
    <message>
        <source>context, not learned</source>
        <translation>仅作上下文，不学习</translation>
    </message>
    <message>
        <source>added by the template, not learned</source>
        <translation>由模板添加，不学习</translation>
    </message>
    <message>
        <source>cut: behind the maximum length</source>
        <translation>已截断：超出最大长度</translation>
    </message>
    <message>
        <source>Token {n} of {all}</source>
        <translation>第 {n} 个词元，共 {all} 个</translation>
    </message>
    <message>
        <source>id {id}</source>
        <translation>ID {id}</translation>
    </message>
    <message>
        <source>characters {a} to {b}</source>
        <translation>第 {a} 至 {b} 个字符</translation>
    </message>
    <message>
        <source>added</source>
        <translation>附加</translation>
    </message>
    <message>
        <source>special</source>
        <translation>特殊词元</translation>
    </message>
    <message>
        <source>The first {n} of {all} tokens are shown.</source>
        <translation>共 {all} 个词元，只显示前 {n} 个。</translation>
    </message>
    <message>
        <source>Preferred {n}</source>
        <translation>偏好 {n}</translation>
    </message>
    <message>
        <source>Avoided {n}</source>
        <translation>避免 {n}</translation>
    </message>
    <message>
        <source>Learned {n}</source>
        <translation>学习 {n}</translation>
    </message>
    <message>
        <source>Context {n}</source>
        <translation>上下文 {n}</translation>
    </message>
    <message>
        <source>Template {n}</source>
        <translation>模板 {n}</translation>
    </message>
    <message>
        <source>Cut {n}</source>
        <translation>截断 {n}</translation>
    </message>
    <message>
        <source>Special {n}</source>
        <translation>特殊 {n}</translation>
    </message>
</context>
<context>
    <name>TrainPage</name>
    <message>
        <source>Runs</source>
        <translation>训练任务</translation>
    </message>
    <message>
        <source>Move the run to the trash</source>
        <translation>把训练任务移到回收站</translation>
    </message>
    <message>
        <source>Search the runs</source>
        <translation>搜索训练任务</translation>
    </message>
    <message>
        <source>No run is called so.</source>
        <translation>没有叫这个名字的训练任务。</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Bring what is damaged back from a copy, or move the run to the trash.</source>
        <translation>请从副本恢复损坏的文件，或将该训练任务移到回收站。</translation>
    </message>
    <message>
        <source>Stop the run first.</source>
        <translation>请先停止该训练任务。</translation>
    </message>
    <message>
        <source>The run {name} lies in the trash.</source>
        <translation>训练任务 {name} 已移到回收站。</translation>
    </message>
    <message>
        <source>Choose data and a model on the Configure page and start. The curves appear here as it trains.</source>
        <translation>在“配置”页选择数据和模型并开始训练。训练时曲线会显示在这里。</translation>
    </message>
    <message>
        <source>Configure a run</source>
        <translation>配置训练任务</translation>
    </message>
    <message>
        <source>Train the built-in demo</source>
        <translation>训练内置演示</translation>
    </message>
    <message>
        <source>No runs yet</source>
        <translation>还没有训练任务</translation>
    </message>
</context>
<context>
    <name>Unreadable</name>
    <message>
        <source>Take the new rows over</source>
        <translation>采用新的数据行</translation>
    </message>
    <message>
        <source>Read again</source>
        <translation>重新读取</translation>
    </message>
    <message>
        <source>Other file...</source>
        <translation>其他文件…</translation>
    </message>
</context>
<context>
    <name>UploadDialog</name>
    <message>
        <source>Upload to Hugging Face</source>
        <translation>上传到 Hugging Face</translation>
    </message>
    <message>
        <source>Name on Hugging Face</source>
        <translation>在 Hugging Face 上的名称</translation>
    </message>
    <message>
        <source>owner/name</source>
        <translation>所有者/名称</translation>
    </message>
    <message>
        <source>Private: a new model is seen by its owner alone</source>
        <translation>私有：新建的模型只有所有者可见</translation>
    </message>
    <message>
        <source>Upload</source>
        <translation>上传</translation>
    </message>
    <message>
        <source>Show it in the browser</source>
        <translation>在浏览器中查看</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>The whole folder {name} goes there as a commit of its own, with its model card; what is there already stays in the history. The login is that of `hf auth login` or HF_TOKEN.</source>
        <translation>整个文件夹 {name} 连同模型卡作为一次单独的提交上传；已有的内容保留在历史中。登录使用 `hf auth login` 或 HF_TOKEN。</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>It is there: {url}</source>
        <translation>已上传：{url}</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>VersionMenu</name>
    <message>
        <source>Split the rows...</source>
        <translation>划分各行…</translation>
    </message>
    <message>
        <source>Deduplicate the rows...</source>
        <translation>去除重复行…</translation>
    </message>
    <message>
        <source>Sample rows...</source>
        <translation>抽样…</translation>
    </message>
    <message>
        <source>Balance groups of rows...</source>
        <translation>平衡各组…</translation>
    </message>
    <message>
        <source>Mix with another file...</source>
        <translation>与另一文件混合…</translation>
    </message>
    <message>
        <source>Export the rows...</source>
        <translation>导出各行…</translation>
    </message>
    <message>
        <source>History of the version...</source>
        <translation>版本历史…</translation>
    </message>
    <message>
        <source>{count} row written to {name}.</source>
        <translation>已将 {count} 行写入 {name}。</translation>
    </message>
    <message>
        <source>{count} rows written to {name}.</source>
        <translation>已将 {count} 行写入 {name}。</translation>
    </message>
    <message>
        <source>Export the rows</source>
        <translation>导出数据行</translation>
    </message>
</context>
<context>
    <name>Waiting</name>
    <message>
        <source>Reading</source>
        <translation>读取数据</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Reading {name} ...</source>
        <translation>正在读取 {name}…</translation>
    </message>
    <message>
        <source>Downloading {name}: {done} of {total}</source>
        <translation>正在下载 {name}：{done} / {total}</translation>
    </message>
</context>
<context>
    <name>WelcomePage</name>
    <message>
        <source>This machine</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>What it can fine-tune</source>
        <translation>可以微调的模型</translation>
    </message>
    <message>
        <source>Memory from a lean run to a usual one</source>
        <translation>从精简训练到通常训练所需的内存</translation>
    </message>
    <message>
        <source>Welcome to Finetune Studio</source>
        <translation>欢迎使用 Finetune Studio</translation>
    </message>
    <message>
        <source>Teach a language model to answer your way, on this machine. Nothing leaves it.</source>
        <translation>在本机上教语言模型以你的方式回答。任何内容都不会离开本机。</translation>
    </message>
    <message>
        <source>Try the demo</source>
        <translation>试试演示</translation>
    </message>
    <message>
        <source>Open your own data...</source>
        <translation>打开自己的数据…</translation>
    </message>
    <message>
        <source>The demo trains the built-in model on built-in letters: a minute or two, nothing to download.</source>
        <translation>演示用内置的信件训练内置模型：只需一两分钟，无需下载。</translation>
    </message>
</context>
<context>
    <name>YamlView</name>
    <message>
        <source>The configuration as YAML</source>
        <translation>YAML 形式的配置</translation>
    </message>
    <message>
        <source>YAML</source>
        <translation>YAML</translation>
    </message>
    <message>
        <source>Line {n}: </source>
        <translation>第 {n} 行：</translation>
    </message>
</context>
<context>
    <name>core</name>
    <message>
        <source>Balanced</source>
        <translation>均衡</translation>
    </message>
    <message>
        <source>The usual choice - rank 16 on every linear layer, three passes, cosine schedule.</source>
        <translation>常用选择：所有线性层秩 16，训练三轮，余弦调度。</translation>
    </message>
    <message>
        <source>Quick</source>
        <translation>快速</translation>
    </message>
    <message>
        <source>A first look in minutes - a small adapter and one pass over the data.</source>
        <translation>几分钟先看效果：小适配器，数据只过一遍。</translation>
    </message>
    <message>
        <source>Thorough</source>
        <translation>充分</translation>
    </message>
    <message>
        <source>For a result to keep - rank 64, five slower passes, a tenth held back, ends early when that stops improving.</source>
        <translation>用于最终成果：秩 64，较慢的五轮，留出十分之一作评估，不再改善时提前结束。</translation>
    </message>
    <message>
        <source>should be greater than or equal to {0}</source>
        <translation>应大于或等于 {0}</translation>
    </message>
    <message>
        <source>should be greater than {0}</source>
        <translation>应大于 {0}</translation>
    </message>
    <message>
        <source>should be less than or equal to {0}</source>
        <translation>应小于或等于 {0}</translation>
    </message>
    <message>
        <source>should be less than {0}</source>
        <translation>应小于 {0}</translation>
    </message>
    <message>
        <source>should be a valid integer, unable to parse string as an integer</source>
        <translation>应为整数</translation>
    </message>
    <message>
        <source>should be a valid integer, got a number with a fractional part</source>
        <translation>应为整数，不能有小数部分</translation>
    </message>
    <message>
        <source>should be a valid integer</source>
        <translation>应为整数</translation>
    </message>
    <message>
        <source>should be a valid number, unable to parse string as a number</source>
        <translation>应为数字</translation>
    </message>
    <message>
        <source>should be a valid number</source>
        <translation>应为数字</translation>
    </message>
    <message>
        <source>should be a finite number</source>
        <translation>应为有限数</translation>
    </message>
    <message>
        <source>should be a valid boolean, unable to interpret input</source>
        <translation>应为 true 或 false</translation>
    </message>
    <message>
        <source>should be a valid boolean</source>
        <translation>应为 true 或 false</translation>
    </message>
    <message>
        <source>should be a valid string</source>
        <translation>应为文本</translation>
    </message>
    <message>
        <source>should be a valid list</source>
        <translation>应为列表</translation>
    </message>
    <message>
        <source>should be a valid dictionary</source>
        <translation>应为键值对</translation>
    </message>
    <message>
        <source>string should have at least 1 character</source>
        <translation>不能为空</translation>
    </message>
    <message>
        <source>should be {0} or {1}</source>
        <translation>应为 {0} 或 {1}</translation>
    </message>
    <message>
        <source>{0} (at least {1}, at most {2})</source>
        <translation>{0}（至少 {1}，至多 {2}）</translation>
    </message>
    <message>
        <source>{0} (at least {1}, below {2})</source>
        <translation>{0}（至少 {1}，小于 {2}）</translation>
    </message>
    <message>
        <source>{0} (above {1}, at most {2})</source>
        <translation>{0}（大于 {1}，至多 {2}）</translation>
    </message>
    <message>
        <source>{0} (at least {1})</source>
        <translation>{0}（至少 {1}）</translation>
    </message>
    <message>
        <source>{0} (above {1})</source>
        <translation>{0}（大于 {1}）</translation>
    </message>
    <message>
        <source>: `{0}` {1}</source>
        <translation>：`{0}` {1}</translation>
    </message>
    <message>
        <source>`{0}` {1}</source>
        <translation>`{0}` {1}</translation>
    </message>
    <message>
        <source>`{0}` and `{1}`</source>
        <translation>`{0}` 和 `{1}`</translation>
    </message>
    <message>
        <source>`{0}`, `{1}` and a `label` of true and false</source>
        <translation>`{0}`、`{1}` 和取值为真或假的 `label`</translation>
    </message>
    <message>
        <source>No module matches `{0}`.</source>
        <translation>没有模块与 `{0}` 匹配。</translation>
    </message>
    <message>
        <source> in line {0}</source>
        <translation>（第 {0} 行）</translation>
    </message>
    <message>
        <source>Train further</source>
        <translation>继续训练</translation>
    </message>
    <message>
        <source>An adapter of the library, or a PEFT folder, to begin with instead of a new one; it keeps its layout.</source>
        <translation>不从新适配器开始，而从适配器库中的一个适配器或一个 PEFT 文件夹开始；其结构保持不变。</translation>
    </message>
    <message>
        <source>Method</source>
        <translation>方法</translation>
    </message>
    <message>
        <source>`lora` trains small matrices beside frozen weights, `full` every weight. `ia3` trains one factor for each output, at a learning rate of about 5e-3; `vera` two vectors a layer beside matrices that are drawn once, about 5e-3; `loha` and `lokr` products of more matrices, about 1e-3; `oft` turns what layers read, about 1e-3.</source>
        <translation>`lora` 在冻结权重旁训练小矩阵，`full` 训练全部权重。`ia3` 为每个输出训练一个系数，学习率约 5e-3；`vera` 在只抽取一次的矩阵旁为每层训练两个向量，约 5e-3；`loha` 和 `lokr` 训练更多矩阵的乘积，约 1e-3；`oft` 旋转各层的输入，约 1e-3。</translation>
    </message>
    <message>
        <source>Rank</source>
        <translation>秩</translation>
    </message>
    <message>
        <source>Width of the low-rank update: more can express more, and costs more memory. Usual: 16; of `vera`, which trains a number for each, 256.</source>
        <translation>低秩更新的宽度：越大表达能力越强，占用内存也越多。通常为 16；`vera` 每一秩只训练一个数，通常为 256。</translation>
    </message>
    <message>
        <source>Alpha</source>
        <translation>Alpha（缩放系数）</translation>
    </message>
    <message>
        <source>Strength of the update: it is scaled by alpha / rank.</source>
        <translation>更新的强度：按 alpha / 秩 缩放。</translation>
    </message>
    <message>
        <source>Dropout</source>
        <translation>Dropout（随机失活）</translation>
    </message>
    <message>
        <source>Share of the update&apos;s inputs zeroed in training, against overfitting.</source>
        <translation>训练时把更新的输入置零的比例，用于防止过拟合。</translation>
    </message>
    <message>
        <source>Block size</source>
        <translation>块大小</translation>
    </message>
    <message>
        <source>Of `oft`: how many inputs are turned together; where it does not divide a layer&apos;s inputs, the nearest that does. More can express more.</source>
        <translation>用于 `oft`：多少个输入一起旋转；若不能整除某层的输入数，则取最接近的能整除的值。越大表达能力越强。</translation>
    </message>
    <message>
        <source>Factor</source>
        <translation>因子</translation>
    </message>
    <message>
        <source>Of `lokr`: the size of the first of two matrices whose Kronecker product is the update; -1: the root of the layer&apos;s, with the fewest numbers.</source>
        <translation>用于 `lokr`：更新是两个矩阵的克罗内克积，此为第一个矩阵的大小；-1：取该层大小的平方根，参数最少。</translation>
    </message>
    <message>
        <source>Target modules</source>
        <translation>目标模块</translation>
    </message>
    <message>
        <source>`all-linear`, a list of names such as [q_proj, v_proj], or one regular expression.</source>
        <translation>`all-linear`、名称列表（如 [q_proj, v_proj]），或一个正则表达式。</translation>
    </message>
    <message>
        <source>Experts</source>
        <translation>专家</translation>
    </message>
    <message>
        <source>`experts`: LoRA goes on the experts too, which a model holds in one parameter; or names such as [experts.down_proj]. They take no dropout and no DoRA.</source>
        <translation>`experts`：LoRA 也用于模型存放在单个参数中的专家；也可填写名称，如 [experts.down_proj]。专家不支持 dropout，也不支持 DoRA。</translation>
    </message>
    <message>
        <source>Excluded modules</source>
        <translation>排除的模块</translation>
    </message>
    <message>
        <source>Names or a regular expression to skip.</source>
        <translation>要跳过的名称或正则表达式。</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Only these layers: numbers, or ranges such as `0-3,8`. Empty: all.</source>
        <translation>只用这些层：编号，或如 `0-3,8` 的范围。留空：全部。</translation>
    </message>
    <message>
        <source>Rank pattern</source>
        <translation>按模块设定秩</translation>
    </message>
    <message>
        <source>Ranks for module names or regular expressions that differ.</source>
        <translation>为个别模块名或正则表达式单独设定秩。</translation>
    </message>
    <message>
        <source>Alpha pattern</source>
        <translation>按模块设定 Alpha</translation>
    </message>
    <message>
        <source>Alphas for module names or regular expressions that differ.</source>
        <translation>为个别模块名或正则表达式单独设定 alpha。</translation>
    </message>
    <message>
        <source>Fully trained modules</source>
        <translation>完整训练的模块</translation>
    </message>
    <message>
        <source>Modules trained whole and saved beside the adapter.</source>
        <translation>完整训练并与适配器一同保存的模块。</translation>
    </message>
    <message>
        <source>rsLoRA</source>
        <translation>rsLoRA</translation>
    </message>
    <message>
        <source>Scales by alpha / sqrt(rank), steadier at high ranks.</source>
        <translation>按 alpha / sqrt(秩) 缩放，秩较大时更稳定。</translation>
    </message>
    <message>
        <source>DoRA</source>
        <translation>DoRA</translation>
    </message>
    <message>
        <source>Learns each weight&apos;s length apart from its direction; slower.</source>
        <translation>把权重的大小与方向分开学习；速度较慢。</translation>
    </message>
    <message>
        <source>Bias</source>
        <translation>偏置</translation>
    </message>
    <message>
        <source>Which bias vectors are trained too.</source>
        <translation>同时训练哪些偏置向量。</translation>
    </message>
    <message>
        <source>Start of the update</source>
        <translation>更新的起点</translation>
    </message>
    <message>
        <source>Where learning begins, always as no change at all. The first three are drawn. `pissa` begins with the strongest directions of the base&apos;s weights (`pissa_niter_16`: nearly the same ones, far sooner), `olora` with orthogonal ones; `eva` with those that the rows take in the model.</source>
        <translation>学习从哪里开始；开始时总是毫无改变。前三种是随机抽取的。`pissa` 从基座权重最强的方向开始（`pissa_niter_16`：几乎相同的方向，快得多），`olora` 从其正交方向开始；`eva` 从数据行在模型中所取的方向开始。</translation>
    </message>
    <message>
        <source>Not a setting of {0}; leave it out, which is {1}.</source>
        <translation>{0} 没有此设置；请不要填写，即 {1}。</translation>
    </message>
    <message>
        <source>At most {0} with pissa and olora, which are saved with twice the rank.</source>
        <translation>使用 pissa 和 olora 时最多 {0}，因为它们以两倍的秩保存。</translation>
    </message>
    <message>
        <source>Experts take no dropout; set it to 0.</source>
        <translation>专家不支持 dropout；请设为 0。</translation>
    </message>
    <message>
        <source>Experts take no DoRA; set it to false.</source>
        <translation>专家不支持 DoRA；请设为 false。</translation>
    </message>
    <message>
        <source>Experts cannot begin so; choose default or gaussian.</source>
        <translation>专家不能这样初始化；请选择 default 或 gaussian。</translation>
    </message>
    <message>
        <source>No run is at work, and none waits.</source>
        <translation>没有训练在进行，也没有训练在等待。</translation>
    </message>
    <message>
        <source>Start a run first.</source>
        <translation>请先开始一次训练。</translation>
    </message>
    <message>
        <source>The process that waits for the runs&apos; end could not be started: {0}.</source>
        <translation>无法启动等待训练结束的进程：{0}。</translation>
    </message>
    <message>
        <source>Close other programs, then ask for it again.</source>
        <translation>请关闭其他程序，然后再试一次。</translation>
    </message>
    <message>
        <source>{0} cannot go on {1}, which is a {2}.</source>
        <translation>{0} 不能用于 {1}，它是 {2}。</translation>
    </message>
    <message>
        <source>Choose linear layers such as [q_proj, v_proj], or all-linear.</source>
        <translation>请选择线性层，如 [q_proj, v_proj]，或 all-linear。</translation>
    </message>
    <message>
        <source>Choose lora, ia3 or vera for this model.</source>
        <translation>此模型请选择 lora、ia3 或 vera。</translation>
    </message>
    <message>
        <source>{0} shares its weight with the other end of this model, and only LoRA keeps the two as one.</source>
        <translation>{0} 与此模型的另一端共用权重，只有 LoRA 能让两者保持一致。</translation>
    </message>
    <message>
        <source>Take it out of modules_to_save, or choose lora.</source>
        <translation>请将它从 modules_to_save 中去掉，或选择 lora。</translation>
    </message>
    <message>
        <source>Full fine-tuning makes no adapter, and does not read {0}.</source>
        <translation>全量微调不产生适配器，不会读取 {0}。</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>最长回答</translation>
    </message>
    <message>
        <source>Tokens; the model&apos;s context may end it.</source>
        <translation>词元数；模型的上下文长度可能使其更早结束。</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>0: always the likeliest token; 1: as trained.</source>
        <translation>0：总取最可能的词元；1：与训练时的分布一致。</translation>
    </message>
    <message>
        <source>Top p</source>
        <translation>Top p</translation>
    </message>
    <message>
        <source>Only the likeliest tokens up to this probability; 1: all.</source>
        <translation>只取累计概率不超过此值的最可能词元；1：全部。</translation>
    </message>
    <message>
        <source>Top k</source>
        <translation>Top k</translation>
    </message>
    <message>
        <source>Only this many of the likeliest tokens; 0: all.</source>
        <translation>只取这么多个最可能的词元；0：全部。</translation>
    </message>
    <message>
        <source>Repetition penalty</source>
        <translation>重复惩罚</translation>
    </message>
    <message>
        <source>Above 1: fewer repetitions.</source>
        <translation>大于 1：减少重复。</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
    </message>
    <message>
        <source>The same seed gives the same answer.</source>
        <translation>相同的种子得到相同的回答。</translation>
    </message>
    <message>
        <source>Rows that cannot be read</source>
        <translation>无法读取的行</translation>
    </message>
    <message>
        <source>They are left out of training as they are.</source>
        <translation>它们不会用于训练。</translation>
    </message>
    <message>
        <source>Rows the chat template refuses</source>
        <translation>对话模板不接受的行</translation>
    </message>
    <message>
        <source>They are left out of training.</source>
        <translation>它们不会用于训练。</translation>
    </message>
    <message>
        <source>Rows with nothing to learn</source>
        <translation>没有可学内容的行</translation>
    </message>
    <message>
        <source>No token of theirs would carry loss.</source>
        <translation>其中没有任何词元参与计算损失。</translation>
    </message>
    <message>
        <source>Answers cut away whole</source>
        <translation>被完全截去的回答</translation>
    </message>
    <message>
        <source>The maximum length ends before the last answer begins.</source>
        <translation>最大长度在最后一个回答开始之前就已用尽。</translation>
    </message>
    <message>
        <source>Answers cut before their end</source>
        <translation>结尾被截断的回答</translation>
    </message>
    <message>
        <source>The model learns answers that break off, and not how they end; a larger maximum length keeps them.</source>
        <translation>模型会学到中断的回答，而学不到如何结束；增大最大长度可以保留完整回答。</translation>
    </message>
    <message>
        <source>Long texts made into chunks</source>
        <translation>分块的长文本</translation>
    </message>
    <message>
        <source>Nothing of them is lost: each is learned in several sequences of at most the maximum length.</source>
        <translation>它们没有任何丢失：每个文本以多个不超过最大长度的序列来学习。</translation>
    </message>
    <message>
        <source>Answers whose end is not learned</source>
        <translation>结束未被学习的回答</translation>
    </message>
    <message>
        <source>Without a learned end token the model does not know when to stop; the chat template decides this.</source>
        <translation>如果没有学习结束词元，模型就不知道何时停止；这取决于对话模板。</translation>
    </message>
    <message>
        <source>Tools that the model is not told of</source>
        <translation>模型未被告知的工具</translation>
    </message>
    <message>
        <source>The chat template leaves them out, in training as in use: what these answers say of them comes from nowhere.</source>
        <translation>聊天模板在训练和使用时都会略去它们：这些回答中与工具有关的内容没有来由。</translation>
    </message>
    <message>
        <source>Answers learned in part</source>
        <translation>只学到一部分的回答</translation>
    </message>
    <message>
        <source>The chat template leaves out thoughts of earlier answers, or what is said beside a call of tools, or writes it where it is not learned.</source>
        <translation>对话模板略去了先前回答的思考或工具调用旁的文字，或把它写在不被学习的位置。</translation>
    </message>
    <message>
        <source>Empty answers</source>
        <translation>空回答</translation>
    </message>
    <message>
        <source>The model would learn to say nothing.</source>
        <translation>模型会学成什么也不说。</translation>
    </message>
    <message>
        <source>Answers of one word</source>
        <translation>只有一个词的回答</translation>
    </message>
    <message>
        <source>Right for labels; elsewhere the model learns to be curt.</source>
        <translation>对分类标签是正常的；在其他场合，模型会变得过于简短。</translation>
    </message>
    <message>
        <source>Empty questions</source>
        <translation>空问题</translation>
    </message>
    <message>
        <source>The model learns to answer where nothing was asked.</source>
        <translation>模型会学着在没有提问时作答。</translation>
    </message>
    <message>
        <source>Roles in an unusual order</source>
        <translation>角色顺序异常</translation>
    </message>
    <message>
        <source>Templates expect a system message first, then user and assistant in turn, and an answer at the end.</source>
        <translation>模板要求先是系统消息，然后用户与助手交替，最后是回答。</translation>
    </message>
    <message>
        <source>Special tokens inside the text</source>
        <translation>文本中含有特殊词元</translation>
    </message>
    <message>
        <source>The tokenizer takes them for the real thing, so the text forges the beginning or the end of a turn.</source>
        <translation>分词器会把它们当作真正的特殊词元，相当于在文本中伪造了一轮对话的开头或结尾。</translation>
    </message>
    <message>
        <source>Broken encoding</source>
        <translation>编码损坏</translation>
    </message>
    <message>
        <source>UTF-8 was once read as another encoding; the model would learn it.</source>
        <translation>UTF-8 曾被当作其他编码读取；模型会学到这些乱码。</translation>
    </message>
    <message>
        <source>Lost characters</source>
        <translation>丢失的字符</translation>
    </message>
    <message>
        <source>U+FFFD stands where a character could not be read; it is gone.</source>
        <translation>无法读取的字符处是 U+FFFD；原字符已经丢失。</translation>
    </message>
    <message>
        <source>Control characters</source>
        <translation>控制字符</translation>
    </message>
    <message>
        <source>Invisible rests of other programs become tokens.</source>
        <translation>其他程序留下的不可见字符会变成词元。</translation>
    </message>
    <message>
        <source>Exact duplicates</source>
        <translation>完全重复</translation>
    </message>
    <message>
        <source>Each copy counts again: the model learns it by heart.</source>
        <translation>每个副本都会重复计入：模型会死记硬背。</translation>
    </message>
    <message>
        <source>Near duplicates</source>
        <translation>近似重复</translation>
    </message>
    <message>
        <source>They differ by a few words and count almost as copies.</source>
        <translation>只差几个词，几乎等同于重复。</translation>
    </message>
    <message>
        <source>One prompt, different answers</source>
        <translation>同一提示，不同回答</translation>
    </message>
    <message>
        <source>The model can only learn the mean of them, unless variety is what is wanted.</source>
        <translation>模型只能学到它们的平均，除非需要的正是多样性。</translation>
    </message>
    <message>
        <source>Preferences that contradict each other</source>
        <translation>相互矛盾的偏好</translation>
    </message>
    <message>
        <source>The same answer is the better or the good one in one row and not in another: nothing is learned from both.</source>
        <translation>同一个回答在一行中是较好的或好的，在另一行中却不是：从这两行学不到任何东西。</translation>
    </message>
    <message>
        <source>Evaluation rows in the training data</source>
        <translation>训练数据中含有评估行</translation>
    </message>
    <message>
        <source>What was learned by heart looks like skill: the evaluation loss comes out too low.</source>
        <translation>死记硬背会显得像是能力：评估损失会偏低。</translation>
    </message>
    <message>
        <source>Rows in another language</source>
        <translation>其他语言的行</translation>
    </message>
    <message>
        <source>Few rows are in this one; a mistake, often.</source>
        <translation>只有少数行使用这种语言；往往是误入的。</translation>
    </message>
    <message>
        <source>Keys and tokens</source>
        <translation>密钥与令牌</translation>
    </message>
    <message>
        <source>A model gives what it has learned to whoever asks.</source>
        <translation>模型会把学到的内容告诉任何提问者。</translation>
    </message>
    <message>
        <source>Mail addresses</source>
        <translation>邮箱地址</translation>
    </message>
    <message>
        <source>Personal data that the model may repeat.</source>
        <translation>模型可能复述的个人信息。</translation>
    </message>
    <message>
        <source>Telephone numbers</source>
        <translation>电话号码</translation>
    </message>
    <message>
        <source>Card numbers</source>
        <translation>银行卡号</translation>
    </message>
    <message>
        <source>Their checksum is right; the model may repeat them.</source>
        <translation>校验和正确；模型可能会复述它们。</translation>
    </message>
    <message>
        <source>Account numbers</source>
        <translation>账号</translation>
    </message>
    <message>
        <source>Refusals of another assistant</source>
        <translation>其他助手的拒答</translation>
    </message>
    <message>
        <source>The model learns to refuse, and to call itself what another model was.</source>
        <translation>模型会学成拒绝回答，并自称是另一个模型。</translation>
    </message>
    <message>
        <source>Answers that speak for the user</source>
        <translation>代替用户发言的回答</translation>
    </message>
    <message>
        <source>The model learns to go on with the next question instead of stopping.</source>
        <translation>模型会学成接着写下一个问题，而不是停下来。</translation>
    </message>
    <message>
        <source>Answers that break off</source>
        <translation>中断的回答</translation>
    </message>
    <message>
        <source>They end in the middle of a sentence, unlike the others.</source>
        <translation>与其他回答不同，它们在句子中间就结束了。</translation>
    </message>
    <message>
        <source>Rests of HTML</source>
        <translation>HTML 残留</translation>
    </message>
    <message>
        <source>Tags and entities of web pages become part of the answers.</source>
        <translation>网页的标签和实体会成为回答的一部分。</translation>
    </message>
    <message>
        <source>Rows far longer than the others</source>
        <translation>远长于其他行的行</translation>
    </message>
    <message>
        <source>They cost the most memory and are often two rows in one.</source>
        <translation>它们占用的内存最多，而且往往是两行并成了一行。</translation>
    </message>
    <message>
        <source>Nothing mends `{0}` by itself.</source>
        <translation>没有办法自动修正 `{0}`。</translation>
    </message>
    <message>
        <source>What can be mended: {0}.</source>
        <translation>可以修正的有：{0}。</translation>
    </message>
    <message>
        <source>Of the finding `{0}` nothing is left that this would mend.</source>
        <translation>发现项 `{0}` 中已没有可由此修正的内容。</translation>
    </message>
    <message>
        <source>Audit again to see what there is now.</source>
        <translation>请重新审查，看看现在还有什么。</translation>
    </message>
    <message>
        <source>A blind test takes two or more that differ.</source>
        <translation>盲测需要两个或更多不同的参加者。</translation>
    </message>
    <message>
        <source>Choose another adapter.</source>
        <translation>请选择另一个适配器。</translation>
    </message>
    <message>
        <source>A blind test takes at most {0} at once.</source>
        <translation>一次盲测最多 {0} 个参加者。</translation>
    </message>
    <message>
        <source>Choose fewer.</source>
        <translation>请少选一些。</translation>
    </message>
    <message>
        <source>A blind test takes 1 to {0} prompts.</source>
        <translation>一次盲测需要 1 到 {0} 个提示。</translation>
    </message>
    <message>
        <source>There are {0}.</source>
        <translation>现有 {0} 个。</translation>
    </message>
    <message>
        <source>`studio blind list` shows those that are there.</source>
        <translation>`studio blind list` 会列出现有的盲测。</translation>
    </message>
    <message>
        <source>There is no readable blind test {0}.</source>
        <translation>没有可读取的盲测 {0}。</translation>
    </message>
    <message>
        <source>`studio blind list` shows them.</source>
        <translation>`studio blind list` 会列出它们。</translation>
    </message>
    <message>
        <source>`{0}` could mean {1} blind tests.</source>
        <translation>`{0}` 可能指 {1} 个盲测。</translation>
    </message>
    <message>
        <source>Write more of the name; {0}</source>
        <translation>请写出更多名称；{0}</translation>
    </message>
    <message>
        <source>There is no blind test `{0}`.</source>
        <translation>没有名为 `{0}` 的盲测。</translation>
    </message>
    <message>
        <source>No blind test `{0}` was removed.</source>
        <translation>没有删除过名为 `{0}` 的盲测。</translation>
    </message>
    <message>
        <source>Write its whole name.</source>
        <translation>请写出完整的名称。</translation>
    </message>
    <message>
        <source>Judge some pairs first; answers that were broken off do not count.</source>
        <translation>请先评判几对；被截断的回答不算。</translation>
    </message>
    <message>
        <source>No whole answer was judged better than another yet.</source>
        <translation>还没有完整的回答被评为更好。</translation>
    </message>
    <message>
        <source>Free some space and start again: nothing is lost.</source>
        <translation>请腾出空间后重新开始：没有丢失任何内容。</translation>
    </message>
    <message>
        <source>{0} cannot be read back.</source>
        <translation>{0} 无法读回。</translation>
    </message>
    <message>
        <source>Check the disk, then start again.</source>
        <translation>请检查磁盘，然后重新开始。</translation>
    </message>
    <message>
        <source>What was read of {0} is damaged in the cache.</source>
        <translation>从 {0} 读取的内容在缓存中已损坏。</translation>
    </message>
    <message>
        <source>Remove {0}, then open it again.</source>
        <translation>请删除 {0}，然后重新打开。</translation>
    </message>
    <message>
        <source>The run has not taken a step, so there is nothing to train once more.</source>
        <translation>此任务尚未完成任何一步，没有可重新训练的内容。</translation>
    </message>
    <message>
        <source>Resume it first.</source>
        <translation>请先恢复训练。</translation>
    </message>
    <message>
        <source>There is no capsule of a run whose adapter began as {0}: the run does not keep what that found.</source>
        <translation>以 {0} 开始的适配器的训练没有胶囊：训练没有保留找到的初始值。</translation>
    </message>
    <message>
        <source>Its result can be exported, as ever.</source>
        <translation>其结果仍可照常导出。</translation>
    </message>
    <message>
        <source>it is in no known format</source>
        <translation>不是已知的格式</translation>
    </message>
    <message>
        <source>`label` is not true or false, nor yes or no, good or bad</source>
        <translation>`label` 不是 true 或 false，也不是 yes 或 no、good 或 bad</translation>
    </message>
    <message>
        <source>`{0}` and `{1}` answer different prompts</source>
        <translation>`{0}` 和 `{1}` 回答的不是同一个提示</translation>
    </message>
    <message>
        <source>no assistant message in `{0}` or in `{1}`</source>
        <translation>`{0}` 或 `{1}` 中没有助手消息</translation>
    </message>
    <message>
        <source>None of the {0} rows of {1} can be used; the first: {2}.</source>
        <translation>{1} 的 {0} 行都无法使用；第一行：{2}。</translation>
    </message>
    <message>
        <source>The only row of {0} cannot be used: {1}.</source>
        <translation>{0} 仅有的一行无法使用：{1}。</translation>
    </message>
    <message>
        <source>Correct the rejected rows, or say which column plays which part (`data.mapping`).</source>
        <translation>请更正被拒绝的行，或指明各列的作用（`data.mapping`）。</translation>
    </message>
    <message>
        <source>`{0}` and `{1}` are neither both texts nor both lists of messages</source>
        <translation>`{0}` 和 `{1}` 既不都是文本，也不都是消息列表</translation>
    </message>
    <message>
        <source>`{0}` and `{1}` are the same</source>
        <translation>`{0}` 和 `{1}` 相同</translation>
    </message>
    <message>
        <source>`{0}` or `{1}` is empty behind the prompt</source>
        <translation>`{0}` 或 `{1}` 在提示之后是空的</translation>
    </message>
    <message>
        <source>`{0}` is not a list</source>
        <translation>`{0}` 不是列表</translation>
    </message>
    <message>
        <source>`messages` is missing</source>
        <translation>缺少 `messages`</translation>
    </message>
    <message>
        <source>{0} {1}: `weight` is neither 0 nor 1</source>
        <translation>{0} {1}：`weight` 既不是 0 也不是 1</translation>
    </message>
    <message>
        <source>every assistant message has weight 0</source>
        <translation>所有助手消息的权重都为 0</translation>
    </message>
    <message>
        <source>no assistant message in `{0}`</source>
        <translation>`{0}` 中没有助手消息</translation>
    </message>
    <message>
        <source>no assistant message</source>
        <translation>没有助手消息</translation>
    </message>
    <message>
        <source>`history` is not a list of pairs</source>
        <translation>`history` 不是成对内容的列表</translation>
    </message>
    <message>
        <source>`history` is not a list of pairs of texts</source>
        <translation>`history` 不是成对文本的列表</translation>
    </message>
    <message>
        <source>`{0}` is not JSON</source>
        <translation>`{0}` 不是 JSON</translation>
    </message>
    <message>
        <source>`{0}` is not a list of objects</source>
        <translation>`{0}` 不是对象列表</translation>
    </message>
    <message>
        <source>{0} is not empty.</source>
        <translation>{0} 不是空的。</translation>
    </message>
    <message>
        <source>Name a new folder; an interrupted run goes on with `studio runs resume`.</source>
        <translation>请指定新文件夹；中断的训练任务可用 `studio runs resume` 继续。</translation>
    </message>
    <message>
        <source>Base model</source>
        <translation>基座模型</translation>
    </message>
    <message>
        <source>`demo` for the built-in model, a folder, or a Hugging Face id.</source>
        <translation>`demo` 表示内置模型；也可以是文件夹或 Hugging Face 模型 ID。</translation>
    </message>
    <message>
        <source>Revision</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Branch, tag or commit of a Hugging Face id.</source>
        <translation>Hugging Face 模型 ID 的分支、标签或提交。</translation>
    </message>
    <message>
        <source>Quantization</source>
        <translation>量化</translation>
    </message>
    <message>
        <source>Holds the frozen base in 8 or 4 bits: a half or a quarter of the memory, a little slower.</source>
        <translation>以 8 位或 4 位存放冻结的基座：内存降到一半或四分之一，速度略慢。</translation>
    </message>
    <message>
        <source>Number format</source>
        <translation>数值格式</translation>
    </message>
    <message>
        <source>`auto`: bfloat16 where the hardware has it, else float32.</source>
        <translation>`auto`：硬件支持时用 bfloat16，否则用 float32。</translation>
    </message>
    <message>
        <source>Objective</source>
        <translation>训练目标</translation>
    </message>
    <message>
        <source>`sft` learns the answers, `pretraining` every token of a text. Which of two answers is better is learned by `dpo` and `ipo`, measured against the base, and by `orpo` and `simpo`, without it; from answers labelled good or bad `kto` learns.</source>
        <translation>`sft` 学习回答，`pretraining` 学习文本的每个 token。两个回答中哪个更好：`dpo` 和 `ipo` 以基座模型为参照来学习，`orpo` 和 `simpo` 则不用参照；`kto` 从标为好或坏的回答学习。</translation>
    </message>
    <message>
        <source>Beta</source>
        <translation>Beta</translation>
    </message>
    <message>
        <source>For preferences. `dpo`, `ipo`, `kto`: the smaller, the further from the base; `orpo`, `simpo`: the weight of the preference. Empty: the usual 0.1, for `simpo` 2.</source>
        <translation>用于偏好学习。`dpo`、`ipo`、`kto`：越小，可以离基座模型越远；`orpo`、`simpo`：偏好的权重。留空：通常的 0.1，`simpo` 为 2。</translation>
    </message>
    <message>
        <source>SimPO gamma</source>
        <translation>SimPO gamma</translation>
    </message>
    <message>
        <source>For `simpo`: the margin the better answer is to win by.</source>
        <translation>用于 `simpo`：较好的回答应领先的差距。</translation>
    </message>
    <message>
        <source>Weight of good answers</source>
        <translation>好回答的权重</translation>
    </message>
    <message>
        <source>For `kto`: how much they count.</source>
        <translation>用于 `kto`：它们的分量。</translation>
    </message>
    <message>
        <source>Weight of bad answers</source>
        <translation>坏回答的权重</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>训练轮数</translation>
    </message>
    <message>
        <source>How often every row is seen.</source>
        <translation>每一行被训练的次数。</translation>
    </message>
    <message>
        <source>Maximum steps</source>
        <translation>最大步数</translation>
    </message>
    <message>
        <source>Ends the run there; 0 or -1: by epochs.</source>
        <translation>运行到此步结束；0 或 -1：按轮数。</translation>
    </message>
    <message>
        <source>Batch size</source>
        <translation>批大小</translation>
    </message>
    <message>
        <source>Sequences computed at once; the main use of memory.</source>
        <translation>一次计算的序列数；内存占用的主要来源。</translation>
    </message>
    <message>
        <source>sequences</source>
        <translation>个序列</translation>
    </message>
    <message>
        <source>Accumulation</source>
        <translation>梯度累积</translation>
    </message>
    <message>
        <source>Batches summed into one optimizer step: a larger batch without more memory.</source>
        <translation>多个批次累加成一个优化器步：等效于更大的批，而不多占内存。</translation>
    </message>
    <message>
        <source>Tokens at once</source>
        <translation>单次计算的词元数</translation>
    </message>
    <message>
        <source>A step&apos;s rows are computed in passes of at most so many tokens; 0: chosen for the device.</source>
        <translation>每一步的数据行分次计算，每次至多这么多词元；0：根据设备选择。</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>Size of a step; a preference needs a smaller one, such as 1e-5.</source>
        <translation>每一步的大小；偏好学习需要更小的值，例如 1e-5。</translation>
    </message>
    <message>
        <source>Learning rate of B to A</source>
        <translation>B 与 A 的学习率之比</translation>
    </message>
    <message>
        <source>LoRA+: of LoRA&apos;s two matrices B, which begins as zero, learns so many times as fast, such as 16, with a lower learning rate; 1: alike.</source>
        <translation>LoRA+：LoRA 的两个矩阵中，从零开始的 B 的学习率是 A 的多少倍，例如 16，此时学习率应设得低一些；1：相同。</translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation>学习率调度</translation>
    </message>
    <message>
        <source>How the learning rate falls over the run.</source>
        <translation>训练过程中学习率如何下降。</translation>
    </message>
    <message>
        <source>Schedule options</source>
        <translation>调度选项</translation>
    </message>
    <message>
        <source>Further settings of the schedule.</source>
        <translation>调度的其他设置。</translation>
    </message>
    <message>
        <source>Warm-up</source>
        <translation>预热</translation>
    </message>
    <message>
        <source>Steps in which the learning rate rises; below 1: a share of all steps.</source>
        <translation>学习率上升所用的步数；小于 1：占总步数的比例。</translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation>优化器</translation>
    </message>
    <message>
        <source>Any optimizer name of transformers, such as adamw_8bit.</source>
        <translation>transformers 支持的任意优化器名称，如 adamw_8bit。</translation>
    </message>
    <message>
        <source>Optimizer options</source>
        <translation>优化器选项</translation>
    </message>
    <message>
        <source>As transformers reads them: a=1,b=2.</source>
        <translation>按 transformers 的写法：a=1,b=2。</translation>
    </message>
    <message>
        <source>Adam beta 1</source>
        <translation>Adam beta 1</translation>
    </message>
    <message>
        <source>How long AdamW remembers gradients.</source>
        <translation>AdamW 对梯度的记忆有多长。</translation>
    </message>
    <message>
        <source>Adam beta 2</source>
        <translation>Adam beta 2</translation>
    </message>
    <message>
        <source>How long AdamW remembers their squares.</source>
        <translation>AdamW 对梯度平方的记忆有多长。</translation>
    </message>
    <message>
        <source>Adam epsilon</source>
        <translation>Adam epsilon</translation>
    </message>
    <message>
        <source>Keeps AdamW from dividing by zero.</source>
        <translation>防止 AdamW 除以零。</translation>
    </message>
    <message>
        <source>Weight decay</source>
        <translation>权重衰减</translation>
    </message>
    <message>
        <source>Pull towards zero.</source>
        <translation>把权重拉向零。</translation>
    </message>
    <message>
        <source>Gradient clipping</source>
        <translation>梯度裁剪</translation>
    </message>
    <message>
        <source>Largest gradient norm of a step; 0: no clipping.</source>
        <translation>每步允许的最大梯度范数；0：不裁剪。</translation>
    </message>
    <message>
        <source>Noise (NEFTune)</source>
        <translation>噪声（NEFTune）</translation>
    </message>
    <message>
        <source>Noise on the tokens&apos; embeddings in training, such as 5, against learning by heart; 0: none.</source>
        <translation>训练时加在词元嵌入上的噪声，例如 5，可防止死记硬背；0：无。</translation>
    </message>
    <message>
        <source>Activation checkpointing</source>
        <translation>激活重计算</translation>
    </message>
    <message>
        <source>Recomputes activations: far less memory, slower.</source>
        <translation>重新计算激活值：内存大幅减少，速度较慢。</translation>
    </message>
    <message>
        <source>Row order</source>
        <translation>数据行顺序</translation>
    </message>
    <message>
        <source>`random`, `group_by_length` (like lengths together) or `sequential`.</source>
        <translation>`random`（随机）、`group_by_length`（长度相近的放在一起）或 `sequential`（按顺序）。</translation>
    </message>
    <message>
        <source>Evaluate every</source>
        <translation>评估间隔</translation>
    </message>
    <message>
        <source>Steps.</source>
        <translation>步数。</translation>
    </message>
    <message>
        <source>steps</source>
        <translation>步</translation>
    </message>
    <message>
        <source>Prompts to answer</source>
        <translation>要回答的提示词</translation>
    </message>
    <message>
        <source>Answered before training and at each evaluation, to read what is learned; one a line.</source>
        <translation>在训练前和每次评估时回答，以便看到学到了什么；每行一条。</translation>
    </message>
    <message>
        <source>Of those to the prompts.</source>
        <translation>指对提示词的回答。</translation>
    </message>
    <message>
        <source>Save every</source>
        <translation>保存间隔</translation>
    </message>
    <message>
        <source>At most this many steps are computed again after a crash.</source>
        <translation>崩溃后最多需要重算这么多步。</translation>
    </message>
    <message>
        <source>Checkpoints kept</source>
        <translation>保留的检查点数</translation>
    </message>
    <message>
        <source>The newest ones; the best is kept besides.</source>
        <translation>保留最新的几个；最好的一个另外保留。</translation>
    </message>
    <message>
        <source>Keep the best</source>
        <translation>保留最佳结果</translation>
    </message>
    <message>
        <source>The result is the checkpoint of lowest evaluation loss.</source>
        <translation>以评估损失最低的检查点作为结果。</translation>
    </message>
    <message>
        <source>Early stopping</source>
        <translation>早停</translation>
    </message>
    <message>
        <source>Ends after this many evaluations without gain; 0: never.</source>
        <translation>连续这么多次评估没有改善就结束；0：从不。</translation>
    </message>
    <message>
        <source>Least gain</source>
        <translation>最小改善量</translation>
    </message>
    <message>
        <source>What counts as a gain in evaluation loss.</source>
        <translation>评估损失降低多少才算改善。</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>Processor threads to compute with; 0: OMP_NUM_THREADS, else measured when the run begins.</source>
        <translation>计算所用的处理器线程数；0：取 OMP_NUM_THREADS，否则在训练开始时测定。</translation>
    </message>
    <message>
        <source>The same seed gives the same run.</source>
        <translation>相同的种子得到相同的训练过程。</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>What the run and its adapter are called.</source>
        <translation>训练任务及其适配器的名称。</translation>
    </message>
    <message>
        <source>Full fine-tuning needs unquantized weights; set it to none.</source>
        <translation>全量微调需要未量化的权重；请设为 none。</translation>
    </message>
    <message>
        <source>Full fine-tuning trains no adapter further; leave it empty.</source>
        <translation>全量微调不会继续训练适配器；请留空。</translation>
    </message>
    <message>
        <source>With {0} no base is held in 8 or 4 bits; set it to none.</source>
        <translation>使用 {0} 时基座不能以 8 位或 4 位保存；请设为 none。</translation>
    </message>
    <message>
        <source>Only LoRA has an A and a B; set it to 1.</source>
        <translation>只有 LoRA 才有 A 和 B；请设为 1。</translation>
    </message>
    <message>
        <source>Its numbers must be finite.</source>
        <translation>其中的数必须是有限的。</translation>
    </message>
    <message>
        <source>At most half of data.max_length.</source>
        <translation>最多为 data.max_length 的一半。</translation>
    </message>
    <message>
        <source>Needs data.eval_split or data.eval_path.</source>
        <translation>需要 data.eval_split 或 data.eval_path。</translation>
    </message>
    <message>
        <source>`studio import-config {0} --out run.yaml` makes one of this program of it.</source>
        <translation>`studio import-config {0} --out run.yaml` 会将其转换为本程序的配置。</translation>
    </message>
    <message>
        <source>{0} is a config of {1}.</source>
        <translation>{0} 是 {1} 的配置。</translation>
    </message>
    <message>
        <source>Correct the named settings and start again.</source>
        <translation>请改正所列设置，然后重新开始。</translation>
    </message>
    <message>
        <source>{0} uses YAML aliases.</source>
        <translation>{0} 使用了 YAML 别名。</translation>
    </message>
    <message>
        <source>Write the repeated values out.</source>
        <translation>请把重复的值逐一写出。</translation>
    </message>
    <message>
        <source>{0}, line {1}: `{2}` stands there a second time.</source>
        <translation>{0} 第 {1} 行：`{2}` 在此第二次出现。</translation>
    </message>
    <message>
        <source>Write each setting once, those of a section below its one name.</source>
        <translation>每个设置只写一次，同一部分的设置写在同一个名称之下。</translation>
    </message>
    <message>
        <source>Correct the YAML; indentation is by spaces.</source>
        <translation>请改正 YAML；缩进使用空格。</translation>
    </message>
    <message>
        <source>{0} holds no settings.</source>
        <translation>{0} 中没有设置。</translation>
    </message>
    <message>
        <source>Start it with `data: {path: FILE}`.</source>
        <translation>请以 `data: {path: FILE}` 开头。</translation>
    </message>
    <message>
        <source>There is no setting `{0}`.</source>
        <translation>没有设置 `{0}`。</translation>
    </message>
    <message>
        <source>{0} is larger than 1 MB.</source>
        <translation>{0} 超过 1 MB。</translation>
    </message>
    <message>
        <source>A run&apos;s config is a short YAML file.</source>
        <translation>训练任务的配置是一个很短的 YAML 文件。</translation>
    </message>
    <message>
        <source>{0} cannot be read: {1}.</source>
        <translation>{0} 无法读取：{1}。</translation>
    </message>
    <message>
        <source>Check the path of the config file.</source>
        <translation>请检查配置文件的路径。</translation>
    </message>
    <message>
        <source>`{0}` could mean {1}.</source>
        <translation>`{0}` 可以指 {1}。</translation>
    </message>
    <message>
        <source>Write the name in full.</source>
        <translation>请写出完整名称。</translation>
    </message>
    <message>
        <source>`{0}` is not an assignment.</source>
        <translation>`{0}` 不是赋值。</translation>
    </message>
    <message>
        <source>Write it as key=value.</source>
        <translation>请写成 key=value 的形式。</translation>
    </message>
    <message>
        <source>`{0}` must hold settings.</source>
        <translation>`{0}` 中必须是设置。</translation>
    </message>
    <message>
        <source>Settings stand in {0}.</source>
        <translation>设置位于 {0} 中。</translation>
    </message>
    <message>
        <source>Did you mean `{0}`?</source>
        <translation>是否指 `{0}`？</translation>
    </message>
    <message>
        <source>The settings of `{0}` are {1}.</source>
        <translation>`{0}` 的设置有 {1}。</translation>
    </message>
    <message>
        <source>`{0}` {1}{2}, but it is {3}{4}.</source>
        <translation>`{0}` {1}{2}，但它是 {3}{4}。</translation>
    </message>
    <message>
        <source>There is no setting `{0}`. {1}</source>
        <translation>没有设置 `{0}`。{1}</translation>
    </message>
    <message>
        <source>`{0}` is missing.</source>
        <translation>缺少 `{0}`。</translation>
    </message>
    <message>
        <source>`{0}` must hold settings, such as `{1}: {...}`.</source>
        <translation>`{0}` 中必须是设置，例如 `{1}: {...}`。</translation>
    </message>
    <message>
        <source>It loads adapters for some families alone, such as Llama and Mistral.</source>
        <translation>它只能为部分系列（如 Llama 和 Mistral）加载适配器。</translation>
    </message>
    <message>
        <source>It loads no adapters.</source>
        <translation>它不能加载适配器。</translation>
    </message>
    <message>
        <source>It loads LoRA alone, and this is {0}.</source>
        <translation>它只能加载 LoRA，而这是 {0}。</translation>
    </message>
    <message>
        <source>It loads no DoRA.</source>
        <translation>它不能加载 DoRA。</translation>
    </message>
    <message>
        <source>It loads no modules trained whole.</source>
        <translation>它不能加载整体训练的模块。</translation>
    </message>
    <message>
        <source>It loads no trained biases.</source>
        <translation>它不能加载训练过的偏置。</translation>
    </message>
    <message>
        <source>It may not load adapters of single parameters, such as experts.</source>
        <translation>它可能无法加载针对单个参数（如专家）的适配器。</translation>
    </message>
    <message>
        <source>It loads ranks up to {0}.</source>
        <translation>它能加载的秩最大为 {0}。</translation>
    </message>
    <message>
        <source>{0} is not a readable {1} file: {2}.</source>
        <translation>{0} 不是可读的 {1} 文件：{2}。</translation>
    </message>
    <message>
        <source>Write it again, or give JSONL.</source>
        <translation>请重新生成，或改用 JSONL。</translation>
    </message>
    <message>
        <source>not UTF-8 text, or a value that cannot be read</source>
        <translation>不是 UTF-8 文本，或含有无法读取的值</translation>
    </message>
    <message>
        <source>The rows do not fit into one table.</source>
        <translation>这些行无法放进同一张表。</translation>
    </message>
    <message>
        <source>Write them as JSONL.</source>
        <translation>请把它们写成 JSONL。</translation>
    </message>
    <message>
        <source>The rows have no columns.</source>
        <translation>这些行没有任何列。</translation>
    </message>
    <message>
        <source>The column `{0}` holds half of a surrogate pair, which is not a character and fits into no Parquet.</source>
        <translation>列 `{0}` 含有半个代理对，它不是字符，无法写入 Parquet。</translation>
    </message>
    <message>
        <source>Write the rows as JSONL, or correct them.</source>
        <translation>请将各行写成 JSONL，或更正它们。</translation>
    </message>
    <message>
        <source>Free some space and convert it again.</source>
        <translation>请释放一些空间，然后重新转换。</translation>
    </message>
    <message>
        <source>{0} is of no kind that is written.</source>
        <translation>不支持写入 {0} 这种类型的文件。</translation>
    </message>
    <message>
        <source>End it in {0}.</source>
        <translation>请让文件名以 {0} 结尾。</translation>
    </message>
    <message>
        <source>{0} is read from.</source>
        <translation>正在从 {0} 读取。</translation>
    </message>
    <message>
        <source>Give the new file another name.</source>
        <translation>请为新文件换一个名称。</translation>
    </message>
    <message>
        <source>There is {0} already.</source>
        <translation>{0} 已存在。</translation>
    </message>
    <message>
        <source>Give another name, or --overwrite.</source>
        <translation>请换一个名称，或加上 --overwrite。</translation>
    </message>
    <message>
        <source>Another process is writing {0}.</source>
        <translation>另一个进程正在写入 {0}。</translation>
    </message>
    <message>
        <source>Wait until it is done, or give another name.</source>
        <translation>请等它完成，或换一个名称。</translation>
    </message>
    <message>
        <source>{0} has no row {1}; it has {2}.</source>
        <translation>{0} 没有第 {1} 行；它共有 {2} 行。</translation>
    </message>
    <message>
        <source>Rows count from 0.</source>
        <translation>行从 0 开始计数。</translation>
    </message>
    <message>
        <source>Row {0}{1} of {2} was rejected: {3}.</source>
        <translation>{2} 的第 {0} 行{1}被拒绝：{3}。</translation>
    </message>
    <message>
        <source>Correct the row, or ask for another one.</source>
        <translation>请改正该行，或换一行。</translation>
    </message>
    <message>
        <source>{0} was changed while it was read.</source>
        <translation>{0} 在读取过程中被修改。</translation>
    </message>
    <message>
        <source>Open it again.</source>
        <translation>请重新打开。</translation>
    </message>
    <message>
        <source>{0} holds no rows.</source>
        <translation>{0} 中没有数据行。</translation>
    </message>
    <message>
        <source>Give a file with at least one row.</source>
        <translation>请提供至少有一行的文件。</translation>
    </message>
    <message>
        <source>the columns are mapped</source>
        <translation>已指定各列的用途</translation>
    </message>
    <message>
        <source>chosen</source>
        <translation>由用户指定</translation>
    </message>
    <message>
        <source>`{0}` is not a regular expression: {1}.</source>
        <translation>`{0}` 不是正则表达式：{1}。</translation>
    </message>
    <message>
        <source>Correct it.</source>
        <translation>请改正。</translation>
    </message>
    <message>
        <source>The expression takes too long: it did not come to an end for row {0}.</source>
        <translation>该表达式耗时过长：处理第 {0} 行时始终没有结束。</translation>
    </message>
    <message>
        <source>Avoid repetitions within repetitions, as in `(a+)+`.</source>
        <translation>请避免在重复中嵌套重复，如 `(a+)+`。</translation>
    </message>
    <message>
        <source>{0} is no Hugging Face id.</source>
        <translation>{0} 不是 Hugging Face ID。</translation>
    </message>
    <message>
        <source>Name it as `owner/name`.</source>
        <translation>请写成 `owner/name` 的形式。</translation>
    </message>
    <message>
        <source>{0} is neither a folder nor in the Hugging Face cache, and offline mode is on.</source>
        <translation>{0} 不是文件夹，也不在 Hugging Face 缓存中，而离线模式已开启。</translation>
    </message>
    <message>
        <source>Unset HF_HUB_OFFLINE to download it, or name a folder or file.</source>
        <translation>请取消 HF_HUB_OFFLINE 以便下载，或指定文件夹或文件。</translation>
    </message>
    <message>
        <source>{0} was changed since it was read.</source>
        <translation>{0} 在读取之后被修改。</translation>
    </message>
    <message>
        <source>What was read of {0} was removed from the cache.</source>
        <translation>缓存中读取 {0} 的内容已被移除。</translation>
    </message>
    <message>
        <source>There is no index in {0}.</source>
        <translation>{0} 中没有索引。</translation>
    </message>
    <message>
        <source>Open the data again.</source>
        <translation>请重新打开数据。</translation>
    </message>
    <message>
        <source>Free some space and open it again.</source>
        <translation>请腾出空间后重新打开。</translation>
    </message>
    <message>
        <source>{0} is not JSON: {1} ({2}).</source>
        <translation>{0} 不是 JSON：{1}（{2}）。</translation>
    </message>
    <message>
        <source>Correct it there.</source>
        <translation>请在该处改正。</translation>
    </message>
    <message>
        <source>{0} is nested too deeply, or holds a number of more than 4300 digits.</source>
        <translation>{0} 嵌套过深，或含有超过 4300 位的数字。</translation>
    </message>
    <message>
        <source>Convert it to JSONL: then only the bad rows are refused.</source>
        <translation>请转换为 JSONL：这样只会拒绝有问题的行。</translation>
    </message>
    <message>
        <source>{0} has {1} MB; one JSON object can be read up to {2} MB.</source>
        <translation>{0} 有 {1} MB；单个 JSON 对象最多可读 {2} MB。</translation>
    </message>
    <message>
        <source>Write the rows as an array, [{...}, {...}], or as JSONL with one object a line: they have no such limit.</source>
        <translation>请把数据行写成数组 [{...}, {...}]，或写成每行一个对象的 JSONL：它们没有此限制。</translation>
    </message>
    <message>
        <source>{0} holds neither an array of objects nor an object with one array in it.</source>
        <translation>{0} 既不是对象数组，也不是只含一个数组的对象。</translation>
    </message>
    <message>
        <source>Write the rows as [{...}, {...}], or as JSONL with one object a line.</source>
        <translation>请把数据行写成 [{...}, {...}]，或写成每行一个对象的 JSONL。</translation>
    </message>
    <message>
        <source>`data.mapping`: no row can be made of {0} alone.</source>
        <translation>`data.mapping`：仅凭 {0} 不能构成一行。</translation>
    </message>
    <message>
        <source>Give one of: {0}.</source>
        <translation>请给出以下之一：{0}。</translation>
    </message>
    <message>
        <source>`data.mapping`: rows of the format {0} have no `{1}`.</source>
        <translation>`data.mapping`：格式 {0} 的行没有 `{1}`。</translation>
    </message>
    <message>
        <source>Leave it out, or join it to another part: {prompt: &apos;{title} {body}&apos;} takes two columns.</source>
        <translation>请去掉它，或与另一部分合并：{prompt: &apos;{title} {body}&apos;} 取用两列。</translation>
    </message>
    <message>
        <source>there is no column `{0}`</source>
        <translation>没有列 `{0}`</translation>
    </message>
    <message>
        <source>Correct `data.mapping`.</source>
        <translation>请改正 `data.mapping`。</translation>
    </message>
    <message>
        <source>not UTF-8 text</source>
        <translation>不是 UTF-8 文本</translation>
    </message>
    <message>
        <source>{0} is not CSV: {1}.</source>
        <translation>{0} 不是 CSV：{1}。</translation>
    </message>
    <message>
        <source>Save it as CSV again.</source>
        <translation>请重新保存为 CSV。</translation>
    </message>
    <message>
        <source>The first line of {0} is {1}.</source>
        <translation>{0} 的第一行{1}。</translation>
    </message>
    <message>
        <source>Name the columns in it.</source>
        <translation>请在其中写出列名。</translation>
    </message>
    <message>
        <source>The first line of {0} names the column `{1}` more than once.</source>
        <translation>{0} 的首行中，列名 `{1}` 出现不止一次。</translation>
    </message>
    <message>
        <source>Give each column a name of its own.</source>
        <translation>请为每一列取不同的名称。</translation>
    </message>
    <message>
        <source>{0}, or a quote in it is never closed</source>
        <translation>{0}，或其中有引号没有闭合</translation>
    </message>
    <message>
        <source>holds NUL bytes</source>
        <translation>含有 NUL 字节</translation>
    </message>
    <message>
        <source>a quote in it is never closed, so that all lines behind it are part of it</source>
        <translation>其中的引号没有闭合，因此其后的所有行都成了它的一部分</translation>
    </message>
    <message>
        <source>columns in the header: {0}; here: {1}</source>
        <translation>表头有 {0} 列，这里有 {1} 列</translation>
    </message>
    <message>
        <source>{0} is not UTF-8 or UTF-16 text.</source>
        <translation>{0} 不是 UTF-8 或 UTF-16 文本。</translation>
    </message>
    <message>
        <source>Save it as UTF-8.</source>
        <translation>请另存为 UTF-8。</translation>
    </message>
    <message>
        <source>larger than {0} MB</source>
        <translation>超过 {0} MB</translation>
    </message>
    <message>
        <source>nested deeper than {0}</source>
        <translation>嵌套超过 {0} 层</translation>
    </message>
    <message>
        <source>holds a number of more than 4300 digits</source>
        <translation>含有超过 4300 位的数字</translation>
    </message>
    <message>
        <source>not UTF-8 text (byte {0} of the line)</source>
        <translation>不是 UTF-8 文本（该行第 {0} 个字节）</translation>
    </message>
    <message>
        <source>not JSON: {0} (character {1})</source>
        <translation>不是 JSON：{0}（第 {1} 个字符）</translation>
    </message>
    <message>
        <source>holds a value that cannot be written as JSON</source>
        <translation>含有无法写成 JSON 的值</translation>
    </message>
    <message>
        <source>not an object</source>
        <translation>不是对象</translation>
    </message>
    <message>
        <source>the first rows have {0}{1}{2}</source>
        <translation>前面的行有 {0}{1}{2}</translation>
    </message>
    <message>
        <source>rows have {0} too</source>
        <translation>各行还含有 {0}</translation>
    </message>
    <message>
        <source>Give each row one of: `messages` (a list of {role, content}); `prompt` and `completion`; `instruction` and `output`; `chosen` and `rejected`; or `text`. Or say which columns play these parts: in the window by the button for columns, on the command line with `--map`, in a config with `data.mapping`.</source>
        <translation>请让每一行具备以下之一：`messages`（{role, content} 的列表）；`prompt` 和 `completion`；`instruction` 和 `output`；`chosen` 和 `rejected`；或 `text`。也可以指定各列的用途：在窗口中用“列”按钮，在命令行中用 `--map`，在配置中用 `data.mapping`。</translation>
    </message>
    <message>
        <source>None of the first {0} rows of {1} can be read ({2}{3}).</source>
        <translation>{1} 的前 {0} 行都无法读取（{2}{3}）。</translation>
    </message>
    <message>
        <source>The only row of {0} cannot be read ({1}{2}).</source>
        <translation>{0} 仅有的一行无法读取（{1}{2}）。</translation>
    </message>
    <message>
        <source>If it is text, open it in an editor and save it in the encoding UTF-8.</source>
        <translation>如果它是文本，请在编辑器中打开并以 UTF-8 编码保存。</translation>
    </message>
    <message>
        <source>Write one whole object a line, with no comma behind it; one array of all objects is a .json file.</source>
        <translation>请每行写一个完整的对象，行尾不加逗号；包含所有对象的单个数组应为 .json 文件。</translation>
    </message>
    <message>
        <source>Close the quote in that line, or save the table as CSV again.</source>
        <translation>请闭合该行中的引号，或把表格重新保存为 CSV。</translation>
    </message>
    <message>
        <source>Break it into shorter rows.</source>
        <translation>请把它拆成更短的行。</translation>
    </message>
    <message>
        <source>{0} is in no known format; its columns are {1}.</source>
        <translation>{0} 不是已知的格式；它的列为 {1}。</translation>
    </message>
    <message>
        <source>; turns in them that call tools: {0}</source>
        <translation>；其中的工具调用有 {0} 轮</translation>
    </message>
    <message>
        <source>; turns that should call tools, are no JSON of such, and stay text: {0}</source>
        <translation>；应为工具调用、但不是相应的 JSON、因此保留为文本的有 {0} 轮</translation>
    </message>
    <message>
        <source>{0} is not a readable XLSX workbook: {1}.</source>
        <translation>{0} 不是可读的 XLSX 工作簿：{1}。</translation>
    </message>
    <message>
        <source>Save it again, or as CSV.</source>
        <translation>请重新保存，或另存为 CSV。</translation>
    </message>
    <message>
        <source>{0} unfolds to {1} MB, which is more than a workbook is read for.</source>
        <translation>{0} 解压后有 {1} MB，超出了工作簿的读取上限。</translation>
    </message>
    <message>
        <source>Save the sheet as CSV: that has no such limit.</source>
        <translation>请把工作表另存为 CSV：CSV 没有这种限制。</translation>
    </message>
    <message>
        <source>The first row of {0} names the column `{1}` more than once.</source>
        <translation>{0} 的首行多次出现列名 `{1}`。</translation>
    </message>
    <message>
        <source>`{0}` is no id of a dataset.</source>
        <translation>`{0}` 不是数据集的 ID。</translation>
    </message>
    <message>
        <source>Write it as `hf://datasets/owner/name`.</source>
        <translation>请写成 `hf://datasets/owner/name`。</translation>
    </message>
    <message>
        <source>{0} holds {1} data files; {2} are the most.</source>
        <translation>{0} 中有 {1} 个数据文件；最多允许 {2} 个。</translation>
    </message>
    <message>
        <source>Join the rows into fewer files.</source>
        <translation>请将数据行合并到较少的文件中。</translation>
    </message>
    <message>
        <source>{0} holds no data file with rows in it.</source>
        <translation>{0} 中没有含数据行的数据文件。</translation>
    </message>
    <message>
        <source>Data files end in {0}.</source>
        <translation>数据文件的扩展名为 {0}。</translation>
    </message>
    <message>
        <source>Check the path and the file&apos;s permissions.</source>
        <translation>请检查路径和文件权限。</translation>
    </message>
    <message>
        <source>No data file of {0} fits {1}; it holds {2}.</source>
        <translation>{0} 中没有符合 {1} 的数据文件；其中有 {2}。</translation>
    </message>
    <message>
        <source>Name a subset and a split that are words of the files&apos; names, or none.</source>
        <translation>请给出文件名中出现的子集和划分，或都留空。</translation>
    </message>
    <message>
        <source>{0} holds no data files that can be read here.</source>
        <translation>{0} 中没有可在此读取的数据文件。</translation>
    </message>
    <message>
        <source>{0} holds too many files.</source>
        <translation>{0} 中的文件过多。</translation>
    </message>
    <message>
        <source>Name a folder of data files alone.</source>
        <translation>请指定只含数据文件的文件夹。</translation>
    </message>
    <message>
        <source>{0} is refused: `{1}` in it is a link that leads out of it.</source>
        <translation>已拒绝 {0}：其中的 `{1}` 是指向其外部的链接。</translation>
    </message>
    <message>
        <source>Put the file itself in its place, or name it directly.</source>
        <translation>请用真正的文件替换该链接，或直接指定该文件。</translation>
    </message>
    <message>
        <source>No file fits {0}.</source>
        <translation>没有与 {0} 匹配的文件。</translation>
    </message>
    <message>
        <source>Check the pattern; `**` stands for any folders.</source>
        <translation>请检查匹配模式；`**` 表示任意层文件夹。</translation>
    </message>
    <message>
        <source>{0} is refused: it leads out of {1}.</source>
        <translation>已拒绝 {0}：它指向 {1} 之外。</translation>
    </message>
    <message>
        <source>{0} fits {1} files.</source>
        <translation>{0} 匹配 {1} 个文件。</translation>
    </message>
    <message>
        <source>{0} are the most.</source>
        <translation>最多允许 {0} 个。</translation>
    </message>
    <message>
        <source>All files that fit {0} are empty.</source>
        <translation>与 {0} 匹配的文件都是空的。</translation>
    </message>
    <message>
        <source>Give files with rows.</source>
        <translation>请提供含数据行的文件。</translation>
    </message>
    <message>
        <source>{0} is empty.</source>
        <translation>{0} 是空的。</translation>
    </message>
    <message>
        <source>{0} is of a kind that cannot be read (`{1}`).</source>
        <translation>{0} 的类型无法读取（`{1}`）。</translation>
    </message>
    <message>
        <source>Give a file that ends in {0}.</source>
        <translation>请提供以 {0} 结尾的文件。</translation>
    </message>
    <message>
        <source>{0} is UTF-32 text.</source>
        <translation>{0} 是 UTF-32 文本。</translation>
    </message>
    <message>
        <source>{0} begins as UTF-16 text and does not go on so.</source>
        <translation>{0} 以 UTF-16 文本开头，但后面并非如此。</translation>
    </message>
    <message>
        <source>{0} is not a file.</source>
        <translation>{0} 不是文件。</translation>
    </message>
    <message>
        <source>Name a data file, or a folder of such files.</source>
        <translation>请指定数据文件，或含有数据文件的文件夹。</translation>
    </message>
    <message>
        <source>Check the path, or write {0} for the version of that name.</source>
        <translation>请检查路径；若要使用同名的版本，请写 {0}。</translation>
    </message>
    <message>
        <source>Check the path.</source>
        <translation>请检查路径。</translation>
    </message>
    <message>
        <source>There is no file {0}.</source>
        <translation>没有文件 {0}。</translation>
    </message>
    <message>
        <source>{0} unfolds to more than {1} times its size; it was not opened further.</source>
        <translation>{0} 解压后超过自身大小的 {1} 倍；没有继续打开。</translation>
    </message>
    <message>
        <source>Unpack it by other means if you trust it, and open what it holds.</source>
        <translation>如果信任它，请用其他方式解压，再打开其中的内容。</translation>
    </message>
    <message>
        <source>{0} does not fit on the disk unpacked.</source>
        <translation>磁盘空间不足以解压 {0}。</translation>
    </message>
    <message>
        <source>Free some space, or set STUDIO_HOME to a folder on a larger disk.</source>
        <translation>请腾出空间，或把 STUDIO_HOME 设为更大磁盘上的文件夹。</translation>
    </message>
    <message>
        <source>{0} is damaged: {1}.</source>
        <translation>{0} 已损坏：{1}。</translation>
    </message>
    <message>
        <source>Get it or compress it again.</source>
        <translation>请重新获取或重新压缩。</translation>
    </message>
    <message>
        <source>{0} holds {1} files; {2} are the most.</source>
        <translation>{0} 中有 {1} 个文件；最多允许 {2} 个。</translation>
    </message>
    <message>
        <source>{0} holds `{1}` twice.</source>
        <translation>{0} 中有两个 `{1}`。</translation>
    </message>
    <message>
        <source>Pack the files again under names of their own.</source>
        <translation>请用互不相同的名称重新打包这些文件。</translation>
    </message>
    <message>
        <source>leads out of the archive</source>
        <translation>指向压缩包之外</translation>
    </message>
    <message>
        <source>is a link or a device</source>
        <translation>是链接或设备</translation>
    </message>
    <message>
        <source>is encrypted</source>
        <translation>已加密</translation>
    </message>
    <message>
        <source>is an archive itself</source>
        <translation>本身也是压缩包</translation>
    </message>
    <message>
        <source>has a path that is too long</source>
        <translation>路径过长</translation>
    </message>
    <message>
        <source>{0} is refused: `{1}` in it {2}.</source>
        <translation>已拒绝 {0}：其中的 `{1}` {2}。</translation>
    </message>
    <message>
        <source>Unpack it by other means if you trust it, and open the files it holds.</source>
        <translation>如果信任它，请用其他方式解压，再打开其中的文件。</translation>
    </message>
    <message>
        <source>Training data</source>
        <translation>训练数据</translation>
    </message>
    <message>
        <source>A data file, a folder or pattern of them, an archive, a dataset version, a hub id.</source>
        <translation>数据文件、数据文件的文件夹或匹配模式、压缩包、数据集版本，或 Hugging Face ID。</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>`auto` detects it from the columns; name one to override.</source>
        <translation>`auto` 根据列名识别；也可以直接指定。</translation>
    </message>
    <message>
        <source>Columns</source>
        <translation>列</translation>
    </message>
    <message>
        <source>Which column plays which part, such as {prompt: question, completion: answer}; a text with columns in braces joins them: {text: &apos;{title}, {body}&apos;}.</source>
        <translation>各列的用途，如 {prompt: question, completion: answer}；花括号中写列名的文本会把各列拼接起来：{text: &apos;{title}, {body}&apos;}。</translation>
    </message>
    <message>
        <source>Evaluation data</source>
        <translation>评估数据</translation>
    </message>
    <message>
        <source>A file of its own for evaluation, instead of a split.</source>
        <translation>单独用于评估的文件，不再从训练数据中划分。</translation>
    </message>
    <message>
        <source>Evaluation split</source>
        <translation>评估划分比例</translation>
    </message>
    <message>
        <source>The share of rows held back for evaluation, drawn by the seed; none where a file is named.</source>
        <translation>留作评估的数据行比例，按种子抽取；若指定了评估文件则不留出。</translation>
    </message>
    <message>
        <source>Stratify by</source>
        <translation>分层依据</translation>
    </message>
    <message>
        <source>The split&apos;s share holds in each group of `length`, `turns`, `source` or a column.</source>
        <translation>在按 `length`、`turns`、`source` 或某一列分成的每一组中，划分比例都相同。</translation>
    </message>
    <message>
        <source>Never train on evaluation rows</source>
        <translation>绝不用评估行训练</translation>
    </message>
    <message>
        <source>A row equal to an evaluation row is evaluated or left out, never trained on.</source>
        <translation>与评估行相同的行只用于评估或被略去，绝不用于训练。</translation>
    </message>
    <message>
        <source>System instruction</source>
        <translation>系统指令</translation>
    </message>
    <message>
        <source>Put before every row that has no system message of its own; the adapter is asked with it too.</source>
        <translation>放在每个没有自己的系统消息的行之前；向适配器提问时也会带上它。</translation>
    </message>
    <message>
        <source>Maximum length</source>
        <translation>最大长度</translation>
    </message>
    <message>
        <source>Rows with more tokens than this are cut at the end; the cut is counted and shown.</source>
        <translation>词元数超过此值的行会从末尾截断；截断会被统计并显示。</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>词元</translation>
    </message>
    <message>
        <source>Long texts</source>
        <translation>长文本</translation>
    </message>
    <message>
        <source>Plain text above the maximum length: `cut` drops the rest, `chunks` makes several rows of it.</source>
        <translation>超过最大长度的纯文本：`cut` 丢弃其余部分，`chunks` 将其分成多行。</translation>
    </message>
    <message>
        <source>Chunk overlap</source>
        <translation>分块重叠</translation>
    </message>
    <message>
        <source>Tokens a chunk repeats of the one before, as context; at most half the maximum length.</source>
        <translation>每个分块作为上下文重复前一块末尾的词元数；最多为最大长度的一半。</translation>
    </message>
    <message>
        <source>Learn the overlap</source>
        <translation>学习重叠部分</translation>
    </message>
    <message>
        <source>Learns repeated tokens again; otherwise every token once.</source>
        <translation>重复的词元会再次学习；否则每个词元只学一次。</translation>
    </message>
    <message>
        <source>Packing</source>
        <translation>序列打包</translation>
    </message>
    <message>
        <source>Lays several short rows into one sequence. No row sees another.</source>
        <translation>把多个短行放进一个序列。各行互不可见。</translation>
    </message>
    <message>
        <source>Chat template</source>
        <translation>对话模板</translation>
    </message>
    <message>
        <source>`auto`: the model&apos;s own. `none`: plain text. Otherwise the path of a Jinja file.</source>
        <translation>`auto`：模型自带的模板。`none`：纯文本。其他：Jinja 文件的路径。</translation>
    </message>
    <message>
        <source>The request cannot be read: {0}: {1}.</source>
        <translation>无法读取请求：{0}：{1}。</translation>
    </message>
    <message>
        <source>Start Finetune Studio again; its window and its helper process may be of different versions.</source>
        <translation>请重新启动 Finetune Studio；窗口与辅助进程的版本可能不同。</translation>
    </message>
    <message>
        <source>{0} of {1} arrived damaged.</source>
        <translation>{1} 的 {0} 下载后已损坏。</translation>
    </message>
    <message>
        <source>Start again: it comes anew.</source>
        <translation>请重新开始：会再次下载。</translation>
    </message>
    <message>
        <source>{0} needs {1} GB and the Hugging Face cache has {2} GB left.</source>
        <translation>{0} 需要 {1} GB，Hugging Face 缓存所在磁盘剩余 {2} GB。</translation>
    </message>
    <message>
        <source>Free some space, or set HF_HOME to a folder on a larger disk.</source>
        <translation>请腾出空间，或把 HF_HOME 设为更大磁盘上的文件夹。</translation>
    </message>
    <message>
        <source>{0} is only for those who accepted its terms.</source>
        <translation>{0} 仅供已接受其条款的用户使用。</translation>
    </message>
    <message>
        <source>Accept them on {0}/{1}, log in with `hf auth login`, and start again.</source>
        <translation>请在 {0}/{1} 接受条款，用 `hf auth login` 登录，然后重新开始。</translation>
    </message>
    <message>
        <source>There is no folder {0} and no such model on Hugging Face, or it is private.</source>
        <translation>没有文件夹 {0}，Hugging Face 上也没有该模型，或者它是私有的。</translation>
    </message>
    <message>
        <source>There is no folder {0} and no such dataset on Hugging Face, or it is private.</source>
        <translation>没有文件夹 {0}，Hugging Face 上也没有该数据集，或者它是私有的。</translation>
    </message>
    <message>
        <source>Check the spelling; for what is private, log in with `hf auth login`.</source>
        <translation>请检查拼写；若是私有的，请先用 `hf auth login` 登录。</translation>
    </message>
    <message>
        <source>{0} has no revision {1}.</source>
        <translation>{0} 没有版本 {1}。</translation>
    </message>
    <message>
        <source>Name an existing branch, tag or commit.</source>
        <translation>请指定存在的分支、标签或提交。</translation>
    </message>
    <message>
        <source>The disk filled up while {0} was downloading.</source>
        <translation>下载 {0} 时磁盘已满。</translation>
    </message>
    <message>
        <source>Free some space and start again: the download goes on where it stopped.</source>
        <translation>请腾出空间后重新开始：下载会从中断处继续。</translation>
    </message>
    <message>
        <source>Hugging Face answered with error {0} for {1}.</source>
        <translation>Hugging Face 对 {1} 返回错误 {0}。</translation>
    </message>
    <message>
        <source>Try again later.</source>
        <translation>请稍后重试。</translation>
    </message>
    <message>
        <source>offline mode is on</source>
        <translation>离线模式已开启</translation>
    </message>
    <message>
        <source>Hugging Face cannot be reached</source>
        <translation>无法连接 Hugging Face</translation>
    </message>
    <message>
        <source>{0} is not on this machine, or not all of it, and {1}.</source>
        <translation>{0} 不在本机上或不完整，并且{1}。</translation>
    </message>
    <message>
        <source>Check the connection and start again: a broken download goes on where it stopped.</source>
        <translation>请检查网络连接后重新开始：中断的下载会继续。</translation>
    </message>
    <message>
        <source>{0} is missing, or an adapter lies beside it.</source>
        <translation>缺少 {0}，或者旁边有一个适配器。</translation>
    </message>
    <message>
        <source>{0} is missing.</source>
        <translation>缺少 {0}。</translation>
    </message>
    <message>
        <source>The model&apos;s weights have {0} bytes instead of {1}.</source>
        <translation>模型的权重有 {0} 字节，而应为 {1} 字节。</translation>
    </message>
    <message>
        <source>{0} has {1} bytes instead of {2}.</source>
        <translation>{0} 有 {1} 字节，而应为 {2} 字节。</translation>
    </message>
    <message>
        <source>`{0}` cannot be opened: {1}.</source>
        <translation>`{0}` 无法打开：{1}。</translation>
    </message>
    <message>
        <source>Set a smaller `training.micro_batch_tokens`, 256 say: the same training with fewer tokens at once. A smaller `max_length`, `activation_checkpointing` or an nf4 base save more.</source>
        <translation>请将 `training.micro_batch_tokens` 设得更小，例如 256：训练相同，只是一次计算的 token 更少。更小的 `max_length`、`activation_checkpointing` 或 nf4 基座可节省更多。</translation>
    </message>
    <message>
        <source>Memory ran out.</source>
        <translation>内存不足。</translation>
    </message>
    <message>
        <source>This PyTorch has no kernels for this card.</source>
        <translation>此 PyTorch 没有适用于这块显卡的内核。</translation>
    </message>
    <message>
        <source>Install a PyTorch build for the card with `python3 packaging/start.py --torch-index ADDRESS`.</source>
        <translation>请用 `python3 packaging/start.py --torch-index ADDRESS` 安装适用于这块显卡的 PyTorch。</translation>
    </message>
    <message>
        <source>The card&apos;s driver is too old for this PyTorch.</source>
        <translation>显卡驱动对此 PyTorch 来说太旧。</translation>
    </message>
    <message>
        <source>Update the NVIDIA driver, or install a PyTorch build for it with `start.py --torch-index ADDRESS`.</source>
        <translation>请更新 NVIDIA 驱动，或用 `start.py --torch-index ADDRESS` 安装适用于它的 PyTorch。</translation>
    </message>
    <message>
        <source>The card cannot be reached.</source>
        <translation>无法访问显卡。</translation>
    </message>
    <message>
        <source>See that no other program holds it, restart its driver or the computer, then resume or try again.</source>
        <translation>请确认没有其他程序占用它，重启驱动或电脑，然后恢复或重试。</translation>
    </message>
    <message>
        <source>The system stopped the card, since a pass took longer than it allows.</source>
        <translation>一次传递超过了系统允许的时间，显卡被系统中止。</translation>
    </message>
    <message>
        <source>Resume or try again. If it happens again, set a smaller `training.micro_batch_tokens`.</source>
        <translation>请恢复或重试。如果再次发生，请将 `training.micro_batch_tokens` 设得更小。</translation>
    </message>
    <message>
        <source>The card&apos;s memory has an error that could not be corrected.</source>
        <translation>显存出现无法纠正的错误。</translation>
    </message>
    <message>
        <source>Restart the computer, then resume or try again. If it happens again, the card may be broken.</source>
        <translation>请重启电脑，然后恢复或重试。如果再次发生，显卡可能已损坏。</translation>
    </message>
    <message>
        <source>The card met with a number that it cannot compute with.</source>
        <translation>显卡遇到了无法计算的数。</translation>
    </message>
    <message>
        <source>Resume or try again. If it happens again at the same place, please report the details.</source>
        <translation>请恢复或重试。如果在同一处再次发生，请报告详细信息。</translation>
    </message>
    <message>
        <source>The card stopped working.</source>
        <translation>显卡停止工作。</translation>
    </message>
    <message>
        <source>Resume or try again. If it happens again, restart the computer and update the NVIDIA driver.</source>
        <translation>请恢复或重试。如果再次发生，请重启电脑并更新 NVIDIA 驱动。</translation>
    </message>
    <message>
        <source>{0} was trained with other rows held back than {1}: it may know these.</source>
        <translation>{0} 训练时留出的行与 {1} 不同：它可能已见过这些行。</translation>
    </message>
    <message>
        <source>{0} was trained further: here it is compared with the bare base, not as in its run.</source>
        <translation>{0} 是继续训练而来的：此处与原始基座比较，而不像其训练时那样。</translation>
    </message>
    <message>
        <source>{0} was trained on this data: that it does well here says little of other rows.</source>
        <translation>{0} 是用这些数据训练的：它在此表现良好并不能说明在其他数据行上的表现。</translation>
    </message>
    <message>
        <source>{0} is no name of a JSONL or CSV file.</source>
        <translation>{0} 不是 JSONL 或 CSV 文件的名称。</translation>
    </message>
    <message>
        <source>Let it end in .jsonl or .csv.</source>
        <translation>请让名称以 .jsonl 或 .csv 结尾。</translation>
    </message>
    <message>
        <source>On the rows held back the loss fell from {0} before training to {1} at step {2}.</source>
        <translation>留出行的损失从训练前的 {0} 降到第 {2} 步的 {1}。</translation>
    </message>
    <message>
        <source>On the rows held back the loss was {0} at best, which is hardly below that of the base, {1}.</source>
        <translation>留出行的损失最低为 {0}，几乎不低于基础模型的 {1}。</translation>
    </message>
    <message>
        <source>See whether those rows are of the same kind as the ones trained on, and try another learning rate.</source>
        <translation>请查看这些行是否与训练的行同类，并尝试另一个学习率。</translation>
    </message>
    <message>
        <source>From step {0} on the loss on the rows held back rose from {1} to {2}, while that of the rows trained on went on falling: they are learned by heart.</source>
        <translation>从第 {0} 步起，留出行的损失从 {1} 升到 {2}，而训练行的损失仍在下降：模型在死记硬背。</translation>
    </message>
    <message>
        <source>Train shorter, on more rows, or with more dropout.</source>
        <translation>缩短训练、增加数据行，或提高 dropout。</translation>
    </message>
    <message>
        <source>The result has the weights of step {0}. Train shorter, on more rows, or with more dropout.</source>
        <translation>结果采用第 {0} 步的权重。缩短训练、增加数据行，或提高 dropout。</translation>
    </message>
    <message>
        <source>The loss on the rows held back was still falling at the end: from {0} at step {1} to {2} at step {3}.</source>
        <translation>结束时留出行的损失仍在下降：从第 {1} 步的 {0} 到第 {3} 步的 {2}。</translation>
    </message>
    <message>
        <source>Train longer.</source>
        <translation>延长训练。</translation>
    </message>
    <message>
        <source>The whole run has {0} steps only.</source>
        <translation>整个运行只有 {0} 步。</translation>
    </message>
    <message>
        <source>Have fewer rows in a step, or more epochs: an optimizer needs some steps to come to its size.</source>
        <translation>减少每步的行数或增加轮数：优化器需要一些步数才能起作用。</translation>
    </message>
    <message>
        <source>The loss of the rows trained on hardly changed: {0} at first, {1} in the end.</source>
        <translation>训练行的损失几乎没有变化：开始 {0}，最后 {1}。</translation>
    </message>
    <message>
        <source>Raise the learning rate, or see under Rows and Layers whether anything is learned.</source>
        <translation>提高学习率，或在“行”和“层”中查看是否学到了什么。</translation>
    </message>
    <message>
        <source>{0} learns at larger rates than LoRA, such as {1}.</source>
        <translation>{0} 的学习率通常比 LoRA 大，例如 {1}。</translation>
    </message>
    <message>
        <source>The loss of the rows trained on rose from {0} about step {1} to {2} in the end.</source>
        <translation>训练行的损失从第 {1} 步附近的 {0} 升到最后的 {2}。</translation>
    </message>
    <message>
        <source>Lower the learning rate, or warm up for longer.</source>
        <translation>降低学习率，或延长预热。</translation>
    </message>
    <message>
        <source>In {0} of {1} steps the gradient was more than {2} times as large as usual, the first time in step {3}.</source>
        <translation>{1} 步中有 {0} 步的梯度超过平常的 {2} 倍，首次在第 {3} 步。</translation>
    </message>
    <message>
        <source>See which rows these steps have; if they are sound, lower the learning rate.</source>
        <translation>查看这些步的行；若行没有问题，请降低学习率。</translation>
    </message>
    <message>
        <source>At the end the rewards of {0} of the rows were right, which chance would reach too.</source>
        <translation>最后有 {0} 的行奖励正确，随机也能达到。</translation>
    </message>
    <message>
        <source>Raise the learning rate or train longer; and see whether the answers really differ in what you prefer.</source>
        <translation>提高学习率或延长训练；并查看两个回答是否真的在您偏好的方面不同。</translation>
    </message>
    <message>
        <source>Over the last third the rewards of all rows were right: what is left only pushes answers apart.</source>
        <translation>最后三分之一里所有行的奖励都正确：余下的训练只是把回答推得更远。</translation>
    </message>
    <message>
        <source>Train shorter, or with harder pairs.</source>
        <translation>缩短训练，或使用更难的成对数据。</translation>
    </message>
    <message>
        <source>No rows were held back, so nothing says whether the model got better on rows it has not seen.</source>
        <translation>没有留出行，因此无从得知模型在未见过的行上是否变好。</translation>
    </message>
    <message>
        <source>Hold some back.</source>
        <translation>请留出一些行。</translation>
    </message>
    <message>
        <source>Of the rows {0} were held back: the mean of so few says little.</source>
        <translation>只留出了 {0} 行：如此少的行的均值说明不了什么。</translation>
    </message>
    <message>
        <source>Hold more back, or name a file with more for evaluation.</source>
        <translation>多留出一些，或指定一个更大的评估文件。</translation>
    </message>
    <message>
        <source>Of the rows {0} were cut at {1} tokens: the rest is not learned.</source>
        <translation>有 {0} 行在 {1} 个词元处被截断：其余部分没有学习。</translation>
    </message>
    <message>
        <source>Allow longer ones; Lengths on the Data page shows how long they are.</source>
        <translation>允许更长的行；“数据”页的“长度”显示它们有多长。</translation>
    </message>
    <message>
        <source>Of the rows {0} were not used: they cannot be read, or nothing in them is learned.</source>
        <translation>有 {0} 行未使用：无法读取，或其中没有可学习的内容。</translation>
    </message>
    <message>
        <source>The Data page lists them with the reason.</source>
        <translation>“数据”页列出了它们和原因。</translation>
    </message>
    <message>
        <source>Of the tokens {0} are learned; the others are prompts.</source>
        <translation>只有 {0} 的词元被学习，其余是提示。</translation>
    </message>
    <message>
        <source>That is right where prompts are long; else see under Tokens on the Data page what is learned of a row.</source>
        <translation>提示很长时这是对的；否则请在“数据”页的“词元”中查看一行学习了什么。</translation>
    </message>
    <message>
        <source>Activations did not fit in memory and were computed again, which is slower.</source>
        <translation>激活值放不进内存，进行了重新计算，速度较慢。</translation>
    </message>
    <message>
        <source>Shorter rows or a quantized base leave room for them.</source>
        <translation>更短的行或量化的基础模型可以腾出空间。</translation>
    </message>
    <message>
        <source>The run {0} has made nothing yet, or what it made was removed.</source>
        <translation>运行 {0} 还没有成果，或其成果已被移除。</translation>
    </message>
    <message>
        <source>`studio trash list` shows what was removed.</source>
        <translation>`studio trash list` 会列出被移除的内容。</translation>
    </message>
    <message>
        <source>Free some space and try again.</source>
        <translation>请腾出空间后重试。</translation>
    </message>
    <message>
        <source>The disk is full: {0} could not be written.</source>
        <translation>磁盘已满：{0} 未能写入。</translation>
    </message>
    <message>
        <source>{0} is in use by another program, or may not be changed.</source>
        <translation>{0} 正被另一个程序使用，或者不允许更改。</translation>
    </message>
    <message>
        <source>Close what has it open, or check its permissions, and try again.</source>
        <translation>请关闭正在使用它的程序，或检查其权限，然后重试。</translation>
    </message>
    <message>
        <source>{0} could not be written: {1}.</source>
        <translation>{0} 未能写入：{1}。</translation>
    </message>
    <message>
        <source>Check the folder and its permissions.</source>
        <translation>请检查文件夹及其权限。</translation>
    </message>
    <message>
        <source>{0} is there already.</source>
        <translation>{0} 已存在。</translation>
    </message>
    <message>
        <source>Name a new file; nothing is overwritten.</source>
        <translation>请指定新文件；不会覆盖任何内容。</translation>
    </message>
    <message>
        <source>Check that it is a folder, and its permissions.</source>
        <translation>请检查它是否为文件夹及其权限。</translation>
    </message>
    <message>
        <source>This is no config of axolotl, LLaMA-Factory or TRL.</source>
        <translation>这不是 axolotl、LLaMA-Factory 或 TRL 的配置。</translation>
    </message>
    <message>
        <source>Check the file; `studio train FILE` reads this program&apos;s own.</source>
        <translation>请检查该文件；本程序自己的配置由 `studio train FILE` 读取。</translation>
    </message>
    <message>
        <source>It has no counterpart here.</source>
        <translation>此处没有对应的设置。</translation>
    </message>
    <message>
        <source>It does not go with the other settings.</source>
        <translation>它与其他设置不相容。</translation>
    </message>
    <message>
        <source>Of {0} bits there is none here: nf4 or 8bit.</source>
        <translation>此处没有 {0} 位量化：可选 nf4 或 8bit。</translation>
    </message>
    <message>
        <source>Four bits are nf4 here.</source>
        <translation>此处的 4 位量化为 nf4。</translation>
    </message>
    <message>
        <source>`{0}` is not trained here.</source>
        <translation>此处不训练 `{0}`。</translation>
    </message>
    <message>
        <source>How many blocks there are is not said here: set adapter.oft_block_size.</source>
        <translation>这里不指定块的数量：请设置 adapter.oft_block_size。</translation>
    </message>
    <message>
        <source>How often is said in steps here: set eval_steps and save_steps.</source>
        <translation>此处以步数表示频率：请设置 eval_steps 和 save_steps。</translation>
    </message>
    <message>
        <source>A share of the run is not said here; set steps.</source>
        <translation>此处不按任务的比例表示；请设置步数。</translation>
    </message>
    <message>
        <source>Only the first is taken over; mix it with {0} by `studio data mix`.</source>
        <translation>只采用第一个；请用 `studio data mix` 与 {0} 混合。</translation>
    </message>
    <message>
        <source>The tokenizer&apos;s own are kept; no token can be added here.</source>
        <translation>保留分词器自带的特殊词元；此处无法添加词元。</translation>
    </message>
    <message>
        <source>The model&apos;s own is taken, not `{0}`; name a Jinja file to have another.</source>
        <translation>采用模型自带的模板，而非 `{0}`；如需其他模板，请指定一个 Jinja 文件。</translation>
    </message>
    <message>
        <source>`{0}` is not known here: how rows are read is found by their columns.</source>
        <translation>此处不认识 `{0}`：行的读取方式由其列名识别。</translation>
    </message>
    <message>
        <source>Only {0} is taken over; mix it with {1} by `studio data mix`.</source>
        <translation>只采用 {0}；请用 `studio data mix` 与 {1} 混合。</translation>
    </message>
    <message>
        <source>The model&apos;s own chat template is taken, not `{0}`.</source>
        <translation>采用模型自带的对话模板，而非 `{0}`。</translation>
    </message>
    <message>
        <source>No dataset_info.json beside the config describes `{0}`: it is taken for a path.</source>
        <translation>配置旁没有 dataset_info.json 描述 `{0}`：将其视为路径。</translation>
    </message>
    <message>
        <source>How messages are called is found by their names.</source>
        <translation>消息的名称由其字段名识别。</translation>
    </message>
    <message>
        <source>A number of rows is not said here; set data.eval_split to their share.</source>
        <translation>此处不按行数表示；请将 data.eval_split 设为其比例。</translation>
    </message>
    <message>
        <source>adapter.{0}: it is {1}, but the adapter that is trained further has {2}.</source>
        <translation>adapter.{0}：其值为 {1}，但要继续训练的适配器为 {2}。</translation>
    </message>
    <message>
        <source>Set it to {0}: an adapter keeps its layout.</source>
        <translation>请设为 {0}：适配器的结构保持不变。</translation>
    </message>
    <message>
        <source>adapter.path: {0}</source>
        <translation>adapter.path：{0}</translation>
    </message>
    <message>
        <source>adapter.path: {0} is damaged: {1}</source>
        <translation>adapter.path：{0} 已损坏：{1}</translation>
    </message>
    <message>
        <source>{0} is a whole model, and no adapter that could be trained further.</source>
        <translation>{0} 是完整模型，不是可以继续训练的适配器。</translation>
    </message>
    <message>
        <source>Train on it as a base: set model.path to {0}, with an adapter or with method: full.</source>
        <translation>请以它为基础模型训练：把 model.path 设为 {0}，用适配器或 method: full。</translation>
    </message>
    <message>
        <source>The adapter in {0} is by no method that is trained here, or its {1} cannot be read.</source>
        <translation>{0} 中的适配器所用的方法这里不能训练，或其 {1} 无法读取。</translation>
    </message>
    <message>
        <source>Choose another one.</source>
        <translation>请另选一个。</translation>
    </message>
    <message>
        <source>The adapter in {0} uses {1}, and cannot be trained further here.</source>
        <translation>{0} 中的适配器使用了 {1}，无法在此继续训练。</translation>
    </message>
    <message>
        <source>Merge it into its base, and train a new adapter on that.</source>
        <translation>请将其合并到基座模型，再在其上训练新的适配器。</translation>
    </message>
    <message>
        <source>Rows that are trained on: {0}.</source>
        <translation>用于训练的行：{0}。</translation>
    </message>
    <message>
        <source>Rows that are trained on: {0}, and evaluated: {1}.</source>
        <translation>用于训练的行：{0}，用于评估的行：{1}。</translation>
    </message>
    <message>
        <source>Rows that cannot be read: {0}.</source>
        <translation>无法读取的行：{0}。</translation>
    </message>
    <message>
        <source>Rows with nothing to learn from: {0}.</source>
        <translation>没有可学内容的行：{0}。</translation>
    </message>
    <message>
        <source>They are listed in rejected.jsonl in the run folder.</source>
        <translation>它们列在训练任务文件夹的 rejected.jsonl 中。</translation>
    </message>
    <message>
        <source>Rows cut at the maximum length: {0}.</source>
        <translation>按最大长度截断的行：{0}。</translation>
    </message>
    <message>
        <source>It went on behind step {0}.</source>
        <translation>从第 {0} 步之后继续。</translation>
    </message>
    <message>
        <source>It began anew.</source>
        <translation>重新开始。</translation>
    </message>
    <message>
        <source>It was asked for something that this version does not know.</source>
        <translation>收到了此版本不认识的请求。</translation>
    </message>
    <message>
        <source>It was asked to end.</source>
        <translation>被要求结束。</translation>
    </message>
    <message>
        <source>It was paused.</source>
        <translation>已暂停。</translation>
    </message>
    <message>
        <source>It went on after the pause.</source>
        <translation>暂停后继续。</translation>
    </message>
    <message>
        <source>It was asked for a checkpoint.</source>
        <translation>被要求保存检查点。</translation>
    </message>
    <message>
        <source>It was asked to evaluate.</source>
        <translation>被要求进行评估。</translation>
    </message>
    <message>
        <source>The peak learning rate was set to {0}.</source>
        <translation>峰值学习率改为 {0}。</translation>
    </message>
    <message>
        <source>It was asked to need less memory once it is resumed.</source>
        <translation>被要求在恢复后使用更少的内存。</translation>
    </message>
    <message>
        <source>It was asked: {0}</source>
        <translation>它被问到：{0}</translation>
    </message>
    <message>
        <source>It was stopped, and kept its result.</source>
        <translation>已停止，并保留了结果。</translation>
    </message>
    <message>
        <source>It ended early: the evaluation loss had not become lower.</source>
        <translation>提前结束：评估损失没有再降低。</translation>
    </message>
    <message>
        <source>It was completed.</source>
        <translation>已完成。</translation>
    </message>
    <message>
        <source>Laying out a row with the chat template did not come to an end.</source>
        <translation>用对话模板处理一行时始终没有结束。</translation>
    </message>
    <message>
        <source>Choose another chat template with data.chat_template.</source>
        <translation>请用 data.chat_template 选择其他对话模板。</translation>
    </message>
    <message>
        <source>Resume the run: it goes on from its last checkpoint. Before that, close other programs if memory is short.</source>
        <translation>请继续该运行：它会从最后一个检查点继续。如果内存紧张，请先关闭其他程序。</translation>
    </message>
    <message>
        <source>The run {0} is already going.</source>
        <translation>训练任务 {0} 已在进行。</translation>
    </message>
    <message>
        <source>Stop it with `studio runs stop {0}`.</source>
        <translation>可用 `studio runs stop {0}` 停止它。</translation>
    </message>
    <message>
        <source>The run {0} is paused, and its process is there.</source>
        <translation>训练任务 {0} 已暂停，其进程仍在。</translation>
    </message>
    <message>
        <source>Go on with `studio runs continue {0}`.</source>
        <translation>请用 `studio runs continue {0}` 继续。</translation>
    </message>
    <message>
        <source>The run {0} waits for its turn already.</source>
        <translation>运行 {0} 已在排队等待。</translation>
    </message>
    <message>
        <source>Start it at once with `studio runs queue {0} --now`.</source>
        <translation>用 `studio runs queue {0} --now` 让它立即开始。</translation>
    </message>
    <message>
        <source>Free some space and start the run again.</source>
        <translation>请腾出空间后重新启动训练任务。</translation>
    </message>
    <message>
        <source>The run&apos;s process could not be started: {0}.</source>
        <translation>无法启动训练任务的进程：{0}。</translation>
    </message>
    <message>
        <source>Close other programs, then start it again.</source>
        <translation>请关闭其他程序，然后重新启动。</translation>
    </message>
    <message>
        <source>Start it again when that is mended.</source>
        <translation>请在排除问题后重新启动。</translation>
    </message>
    <message>
        <source>The run&apos;s process was killed while it waited for its turn.</source>
        <translation>运行的进程在排队等待时被终止。</translation>
    </message>
    <message>
        <source>Queue it again with `studio runs resume {0} --queue`.</source>
        <translation>用 `studio runs resume {0} --queue` 重新排队。</translation>
    </message>
    <message>
        <source>The run&apos;s process was killed: by somebody, or by the system because memory ran out.</source>
        <translation>运行进程被终止：可能是有人终止的，也可能是系统因内存不足而终止的。</translation>
    </message>
    <message>
        <source>The run&apos;s process was told to end before it was at work.</source>
        <translation>训练进程在开始工作之前就被要求结束。</translation>
    </message>
    <message>
        <source>Resume it with `studio runs resume {0}`.</source>
        <translation>可用 `studio runs resume {0}` 恢复。</translation>
    </message>
    <message>
        <source>The run&apos;s process ended unexpectedly (code {0}).</source>
        <translation>训练进程意外结束（代码 {0}）。</translation>
    </message>
    <message>
        <source>Resume it with `studio runs resume {0}`; worker.log in the run folder has more.</source>
        <translation>可用 `studio runs resume {0}` 恢复；训练任务文件夹中的 worker.log 有更多信息。</translation>
    </message>
    <message>
        <source>The run&apos;s process ended without a word: it was killed, most likely because memory ran out.</source>
        <translation>训练任务的进程没有说明就结束了：它被终止，很可能是因为内存不足。</translation>
    </message>
    <message>
        <source>No adapter was named.</source>
        <translation>没有指定适配器。</translation>
    </message>
    <message>
        <source>`studio adapters list` shows them all.</source>
        <translation>`studio adapters list` 可列出全部。</translation>
    </message>
    <message>
        <source>There is no adapter `{0}`.</source>
        <translation>没有适配器 `{0}`。</translation>
    </message>
    <message>
        <source>`{0}` could mean {1} adapters: {2}.</source>
        <translation>`{0}` 可以指 {1} 个适配器：{2}。</translation>
    </message>
    <message>
        <source>Write the name.</source>
        <translation>请写出名称。</translation>
    </message>
    <message>
        <source>The adapters were trained with model.{0} {1}; here all columns have {2}.</source>
        <translation>这些适配器训练时的 model.{0} 不同（{1}）；此处所有列均使用 {2}。</translation>
    </message>
    <message>
        <source>The model&apos;s weights have changed since it was added.</source>
        <translation>模型的权重自加入以来已改变。</translation>
    </message>
    <message>
        <source>{0} has changed since it was added.</source>
        <translation>{0} 在加入后已被修改。</translation>
    </message>
    <message>
        <source>{0} is damaged: {1}</source>
        <translation>{0} 已损坏：{1}</translation>
    </message>
    <message>
        <source>Remove it.</source>
        <translation>请将其移除。</translation>
    </message>
    <message>
        <source>There is no adapter {0} any more.</source>
        <translation>适配器 {0} 已不存在。</translation>
    </message>
    <message>
        <source>`studio adapters list` shows those of the library.</source>
        <translation>`studio adapters list` 会列出库中的适配器。</translation>
    </message>
    <message>
        <source>The trash holds {0}.</source>
        <translation>回收站中有 {0}。</translation>
    </message>
    <message>
        <source>The trash holds no adapter.</source>
        <translation>回收站中没有适配器。</translation>
    </message>
    <message>
        <source>No adapter `{0}` was removed.</source>
        <translation>没有移除过适配器 `{0}`。</translation>
    </message>
    <message>
        <source>The adapter {0} is not in the trash any more.</source>
        <translation>适配器 {0} 已不在回收站中。</translation>
    </message>
    <message>
        <source>Another process is changing the adapter library.</source>
        <translation>另一个进程正在修改适配器库。</translation>
    </message>
    <message>
        <source>Free some space and do it again; nothing was changed.</source>
        <translation>请腾出空间后再试一次；没有更改任何内容。</translation>
    </message>
    <message>
        <source>The model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>{0} changed while it was copied.</source>
        <translation>{0} 在复制过程中被修改。</translation>
    </message>
    <message>
        <source>Add it again.</source>
        <translation>请重新加入。</translation>
    </message>
    <message>
        <source>{0} has no readable {1}.</source>
        <translation>{0} 中没有可读的 {1}。</translation>
    </message>
    <message>
        <source>Name a folder that PEFT saved an adapter into.</source>
        <translation>请指定由 PEFT 保存了适配器的文件夹。</translation>
    </message>
    <message>
        <source>Only adapters saved as safetensors are taken; pickled ones (.bin) may hold code.</source>
        <translation>只接受 safetensors 格式的适配器；pickle 文件（.bin）可能含有代码。</translation>
    </message>
    <message>
        <source>Reading stood still for {0} seconds and was ended.</source>
        <translation>读取停滞了 {0} 秒，已被终止。</translation>
    </message>
    <message>
        <source>The file may be damaged or made to do harm.</source>
        <translation>文件可能已损坏，或是恶意构造的。</translation>
    </message>
    <message>
        <source>Reading this takes more memory than a data file can need.</source>
        <translation>读取它所需的内存超出数据文件可能的需要。</translation>
    </message>
    <message>
        <source>Split it, or convert it to JSONL.</source>
        <translation>请拆分该文件，或将其转换为 JSONL。</translation>
    </message>
    <message>
        <source>holds half of a surrogate pair, which is not a character</source>
        <translation>含有半个代理对，不是有效字符</translation>
    </message>
    <message>
        <source>{0}message {1}{2}</source>
        <translation>{0}第 {1} 条消息{2}</translation>
    </message>
    <message>
        <source>`{0}` is an empty list</source>
        <translation>`{0}` 是空列表</translation>
    </message>
    <message>
        <source>the list of messages is empty</source>
        <translation>消息列表为空</translation>
    </message>
    <message>
        <source>Correct the row or leave it out.</source>
        <translation>请改正该行，或将其删除。</translation>
    </message>
    <message>
        <source> is not an object</source>
        <translation>不是对象</translation>
    </message>
    <message>
        <source>: role {0} is not one of {1}</source>
        <translation>：角色 {0} 不在 {1} 之中</translation>
    </message>
    <message>
        <source>: `role` is missing</source>
        <translation>：缺少 `role`</translation>
    </message>
    <message>
        <source>content</source>
        <translation>content</translation>
    </message>
    <message>
        <source>value</source>
        <translation>value</translation>
    </message>
    <message>
        <source>: `tool_calls` {0}</source>
        <translation>：`tool_calls` {0}</translation>
    </message>
    <message>
        <source>: a call in `tool_calls` has no name</source>
        <translation>：`tool_calls` 中的一个调用没有名称</translation>
    </message>
    <message>
        <source>: `tool_calls` is not a list of objects</source>
        <translation>：`tool_calls` 不是对象的列表</translation>
    </message>
    <message>
        <source>is missing</source>
        <translation>缺失</translation>
    </message>
    <message>
        <source>is not text but {0}</source>
        <translation>不是文本，而是 {0}</translation>
    </message>
    <message>
        <source>is empty</source>
        <translation>是空的</translation>
    </message>
    <message>
        <source>{0} is a file, and a model is a folder of config.json, safetensors weights and a tokenizer.</source>
        <translation>{0} 是文件，而模型应是含有 config.json、safetensors 权重和分词器的文件夹。</translation>
    </message>
    <message>
        <source>A GGUF or pickle file cannot be trained: choose the model&apos;s safetensors folder or its Hugging Face id.</source>
        <translation>GGUF 或 pickle 文件不能训练：请选择模型的 safetensors 文件夹，或其 Hugging Face 模型 ID。</translation>
    </message>
    <message>
        <source>There is no folder {0}, and it is no Hugging Face id either.</source>
        <translation>没有文件夹 {0}，它也不是 Hugging Face 模型 ID。</translation>
    </message>
    <message>
        <source>Name a folder, an id such as `owner/model`, or `demo` for the built-in model.</source>
        <translation>请指定文件夹、形如 `owner/model` 的模型 ID，或用 `demo` 表示内置模型。</translation>
    </message>
    <message>
        <source>The model {0} {1}.</source>
        <translation>模型 {0} {1}。</translation>
    </message>
    <message>
        <source>is an adapter, not a base model</source>
        <translation>是适配器，不是基础模型</translation>
    </message>
    <message>
        <source>Name the base model it was trained on.</source>
        <translation>请指定训练它所用的基础模型。</translation>
    </message>
    <message>
        <source>holds no config.json</source>
        <translation>不含 config.json</translation>
    </message>
    <message>
        <source>Name the folder of a model in the Hugging Face format.</source>
        <translation>请指定 Hugging Face 格式模型的文件夹。</translation>
    </message>
    <message>
        <source>No module is left to put an adapter on.</source>
        <translation>没有剩下可添加适配器的模块。</translation>
    </message>
    <message>
        <source>Choose more target modules or layers, or exclude fewer.</source>
        <translation>请选择更多目标模块或层，或减少排除项。</translation>
    </message>
    <message>
        <source>Experts stay as they are: {0}.</source>
        <translation>专家保持不变：{0}。</translation>
    </message>
    <message>
        <source>Set adapter.target_parameters to experts to adapt them too.</source>
        <translation>若也要适配专家，请把 adapter.target_parameters 设为 experts。</translation>
    </message>
    <message>
        <source>Only LoRA goes on them: set adapter.method to lora to adapt them too.</source>
        <translation>只有 LoRA 能用于它们：若也要适配，请把 adapter.method 设为 lora。</translation>
    </message>
    <message>
        <source>Layers named like experts stay as they are: {0}.</source>
        <translation>与专家同名的层保持不变：{0}。</translation>
    </message>
    <message>
        <source>{0} ({1} of the weights)</source>
        <translation>{0}（占权重的 {1}）</translation>
    </message>
    <message>
        <source>{0} shares its weight with the other end of this model, and PEFT cannot train the two as one.</source>
        <translation>{0} 与模型另一端共享权重，PEFT 无法把两者作为一个整体训练。</translation>
    </message>
    <message>
        <source>Take it out of modules_to_save.</source>
        <translation>请把它从 modules_to_save 中去掉。</translation>
    </message>
    <message>
        <source>{0} holds experts, which are no modules.</source>
        <translation>{0} 含有专家，而专家不是模块。</translation>
    </message>
    <message>
        <source>Name it in target_parameters.</source>
        <translation>请在 target_parameters 中写出它。</translation>
    </message>
    <message>
        <source>LoRA cannot go on {0}, which is a {1}.</source>
        <translation>LoRA 不能用于 {0}，它是 {1}。</translation>
    </message>
    <message>
        <source>target_parameters: this model holds no experts in one parameter.</source>
        <translation>target_parameters：此模型没有存放在单个参数中的专家。</translation>
    </message>
    <message>
        <source>Leave it empty; linear layers are named in target_modules.</source>
        <translation>请留空；线性层在 target_modules 中指定。</translation>
    </message>
    <message>
        <source>Write experts for all of them, or name {0}.</source>
        <translation>全部专家请写 experts，或写出名称 {0}。</translation>
    </message>
    <message>
        <source>target_parameters: no experts are called `{0}`.</source>
        <translation>target_parameters：没有名为 `{0}` 的专家。</translation>
    </message>
    <message>
        <source>Take it out of `target_parameters` or of `modules_to_save`.</source>
        <translation>请把它从 `target_parameters` 或 `modules_to_save` 中去掉。</translation>
    </message>
    <message>
        <source>`{0}` is trained whole already.</source>
        <translation>`{0}` 已作为整体训练。</translation>
    </message>
    <message>
        <source>Take it out of `target_modules` or of `modules_to_save`.</source>
        <translation>请将它从 `target_modules` 或 `modules_to_save` 中去掉。</translation>
    </message>
    <message>
        <source>adapter.layers_to_transform: `{0}` is no layer.</source>
        <translation>adapter.layers_to_transform：`{0}` 不是层。</translation>
    </message>
    <message>
        <source>Write such as `0-3,8`.</source>
        <translation>请写成如 `0-3,8` 的形式。</translation>
    </message>
    <message>
        <source>layers_to_transform: no chosen module is in layer {0}.</source>
        <translation>layers_to_transform：所选模块都不在第 {0} 层。</translation>
    </message>
    <message>
        <source>Layers go from 0 to {0}.</source>
        <translation>层编号从 0 到 {0}。</translation>
    </message>
    <message>
        <source>The chosen modules are in no layer.</source>
        <translation>所选模块不属于任何层。</translation>
    </message>
    <message>
        <source>{0} shares its weight with the other end of this model, and an adapter would change only one of them.</source>
        <translation>{0} 与模型另一端共享权重，适配器只会改变其中一个。</translation>
    </message>
    <message>
        <source>Leave it out of target_modules; put it in modules_to_save to train it whole.</source>
        <translation>请不要放入 target_modules；要完整训练它，请放入 modules_to_save。</translation>
    </message>
    <message>
        <source>{0} is an expression of {1} characters.</source>
        <translation>{0} 是长度为 {1} 个字符的表达式。</translation>
    </message>
    <message>
        <source>Use at most {0}.</source>
        <translation>最多 {0} 个。</translation>
    </message>
    <message>
        <source>{0} {1} is not a regular expression: {2}.</source>
        <translation>{0} {1} 不是正则表达式：{2}。</translation>
    </message>
    <message>
        <source>Correct it, or name the modules in a list such as [q_proj, v_proj].</source>
        <translation>请改正，或用列表指定模块，如 [q_proj, v_proj]。</translation>
    </message>
    <message>
        <source>Matching {0} {1} takes too long: its repetitions are nested.</source>
        <translation>匹配 {0} {1} 耗时过长：其中有嵌套的重复。</translation>
    </message>
    <message>
        <source>Write it without a repetition inside a repetition, or name the modules in a list.</source>
        <translation>请避免在重复中再用重复，或用列表指定模块。</translation>
    </message>
    <message>
        <source>{0}: no module matches `{1}`.</source>
        <translation>{0}：没有模块与 `{1}` 匹配。</translation>
    </message>
    <message>
        <source>{0}The model has {1}.</source>
        <translation>{0}模型中有 {1}。</translation>
    </message>
    <message>
        <source>With `{0}` rows are compared one by one, unpacked; set it to false.</source>
        <translation>使用 `{0}` 时逐行比较，不做打包；请设为 false。</translation>
    </message>
    <message>
        <source>With `{0}` no answer is made into chunks; set it to cut.</source>
        <translation>使用 `{0}` 时回答不分块；请设为 cut。</translation>
    </message>
    <message>
        <source>With `{0}` the base stays as it is, to compare with; set it to lora.</source>
        <translation>使用 `{0}` 时基座模型保持不变以供比较；请设为 lora。</translation>
    </message>
    <message>
        <source>`{0}` learns from rows with a better and a worse answer, and these have none.</source>
        <translation>`{0}` 从有较好和较差两个回答的数据行学习，而这些行没有。</translation>
    </message>
    <message>
        <source>Set training.objective={0}, or name their columns: data.mapping={prompt: .., chosen: .., rejected: ..}.</source>
        <translation>请设置 training.objective={0}，或指明它们的列：data.mapping={prompt: .., chosen: .., rejected: ..}。</translation>
    </message>
    <message>
        <source>`{0}` learns from rows with an answer and a label of good or bad, and these have none.</source>
        <translation>`{0}` 从带有回答和好坏标签的数据行学习，而这些行没有。</translation>
    </message>
    <message>
        <source>Set training.objective={0}, or name their columns: data.mapping={prompt: .., completion: .., label: ..}.</source>
        <translation>请设置 training.objective={0}，或指明它们的列：data.mapping={prompt: .., completion: .., label: ..}。</translation>
    </message>
    <message>
        <source>Rows with a better and a worse answer are not learned with `{0}`.</source>
        <translation>有较好和较差两个回答的数据行不能用 `{0}` 学习。</translation>
    </message>
    <message>
        <source>Set training.objective=dpo; for the better answers alone data.mapping={prompt: .., completion: chosen}.</source>
        <translation>请设置 training.objective=dpo；只学习较好的回答则设置 data.mapping={prompt: .., completion: chosen}。</translation>
    </message>
    <message>
        <source>Rows with labels of good and bad are not learned with `{0}`.</source>
        <translation>带好坏标签的数据行不能用 `{0}` 学习。</translation>
    </message>
    <message>
        <source>Set training.objective=kto; to learn every completion, good or bad, data.format=prompt_completion.</source>
        <translation>请设置 training.objective=kto；若要不论好坏学习每个回答，则设置 data.format=prompt_completion。</translation>
    </message>
    <message>
        <source>Tick at least one module.</source>
        <translation>请至少勾选一个模块。</translation>
    </message>
    <message>
        <source>No setting can name exactly these modules in this model.</source>
        <translation>没有任何设置能恰好指定该模型中的这些模块。</translation>
    </message>
    <message>
        <source>Tick others, or fewer of them.</source>
        <translation>请勾选其他模块，或少勾选一些。</translation>
    </message>
    <message>
        <source>The weights of {0} have changed since it was added to the library.</source>
        <translation>{0} 的权重自加入适配器库后已改变。</translation>
    </message>
    <message>
        <source>Choose another adapter, or add it anew.</source>
        <translation>请另选适配器，或重新加入它。</translation>
    </message>
    <message>
        <source>Rows and batches stay; from there on numbers may differ in their last bits, and dropout draws others.</source>
        <translation>行和批次不变；此后数值的末位可能不同，dropout 的随机结果也不同。</translation>
    </message>
    <message>
        <source>Resume with passes of at most {0} tokens.</source>
        <translation>恢复时每次传递最多 {0} 个 token。</translation>
    </message>
    <message>
        <source>Resume with activations computed again in the backward pass: far less memory, slower.</source>
        <translation>恢复时在反向传播中重新计算激活：内存占用少得多，但更慢。</translation>
    </message>
    <message>
        <source>{0} could not be read: {1}.</source>
        <translation>{0} 无法读取：{1}。</translation>
    </message>
    <message>
        <source>{0} of the run is damaged: what it says of rows cannot be true.</source>
        <translation>训练任务的 {0} 已损坏：其中关于行的内容不可能成立。</translation>
    </message>
    <message>
        <source>Bring it back from a copy; the run and its result are as they were.</source>
        <translation>请从副本恢复它；训练任务及其结果不受影响。</translation>
    </message>
    <message>
        <source>The run tells of no rows in step {0}.</source>
        <translation>此训练任务没有第 {0} 步的行。</translation>
    </message>
    <message>
        <source>Name a step from {0} to {1}.</source>
        <translation>请指定第 {0} 到第 {1} 步。</translation>
    </message>
    <message>
        <source>`studio runs queue` shows those that do.</source>
        <translation>`studio runs queue` 会列出正在等待的运行。</translation>
    </message>
    <message>
        <source>The run {0} does not wait for its turn.</source>
        <translation>运行 {0} 没有在排队等待。</translation>
    </message>
    <message>
        <source>Another process keeps the queue of runs.</source>
        <translation>另一个进程正占用运行队列。</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>请稍后再试。</translation>
    </message>
    <message>
        <source>Free some space and resume the run: it goes on from its last checkpoint.</source>
        <translation>请腾出空间后恢复训练：它会从最后一个检查点继续。</translation>
    </message>
    <message>
        <source>{0} is not a readable run folder.</source>
        <translation>{0} 不是可读的训练任务文件夹。</translation>
    </message>
    <message>
        <source>Check the name or the path.</source>
        <translation>请检查名称或路径。</translation>
    </message>
    <message>
        <source>The config in {0} cannot be read.</source>
        <translation>{0} 中的配置无法读取。</translation>
    </message>
    <message>
        <source>It may be of another version.</source>
        <translation>它可能属于另一个版本。</translation>
    </message>
    <message>
        <source>Check its permissions, or bring it back from a copy.</source>
        <translation>请检查其权限，或从副本中恢复。</translation>
    </message>
    <message>
        <source>Start a new run from its config to train more.</source>
        <translation>要继续训练，请用其配置新建训练任务。</translation>
    </message>
    <message>
        <source>Train its adapter further with `studio train --further {0}`.</source>
        <translation>用 `studio train --further {0}` 继续训练其适配器。</translation>
    </message>
    <message>
        <source>The run {0} is already complete.</source>
        <translation>训练任务 {0} 已经完成。</translation>
    </message>
    <message>
        <source>Another process is working on the run {0}.</source>
        <translation>另一个进程正在处理训练任务 {0}。</translation>
    </message>
    <message>
        <source>Wait for it, or stop it with `studio runs stop {0}`.</source>
        <translation>请等待它结束，或用 `studio runs stop {0}` 停止它。</translation>
    </message>
    <message>
        <source>Free some space and try again: the run is as it was.</source>
        <translation>请腾出空间后重试：训练任务保持原样。</translation>
    </message>
    <message>
        <source>There is no run {0} any more.</source>
        <translation>训练任务 {0} 已不存在。</translation>
    </message>
    <message>
        <source>`studio runs list` shows them all.</source>
        <translation>`studio runs list` 可列出全部。</translation>
    </message>
    <message>
        <source>No run was named.</source>
        <translation>没有指定训练任务。</translation>
    </message>
    <message>
        <source>`{0}` could mean {1} runs: {2}.</source>
        <translation>`{0}` 可以指 {1} 个训练任务：{2}。</translation>
    </message>
    <message>
        <source>Write more of the name.</source>
        <translation>请把名称写得更完整。</translation>
    </message>
    <message>
        <source>No run is called `{0}`, and here a part of a name is not enough.</source>
        <translation>没有名为 `{0}` 的训练任务，此处只写名称的一部分不够。</translation>
    </message>
    <message>
        <source>Write the whole name: {0}.</source>
        <translation>请写出完整名称：{0}。</translation>
    </message>
    <message>
        <source>There is no run `{0}`.</source>
        <translation>没有训练任务 `{0}`。</translation>
    </message>
    <message>
        <source>Free some space and remove the run again: it is as it was.</source>
        <translation>请腾出空间后再次移除该训练任务：它保持原样。</translation>
    </message>
    <message>
        <source>The run {0} is not in the trash any more.</source>
        <translation>训练任务 {0} 已不在回收站中。</translation>
    </message>
    <message>
        <source>`studio trash list` shows all there.</source>
        <translation>`studio trash list` 会列出其中的全部内容。</translation>
    </message>
    <message>
        <source>{0} is taken by now.</source>
        <translation>{0} 现已被占用。</translation>
    </message>
    <message>
        <source>Move that away, then restore the run.</source>
        <translation>请先把它移走，再恢复该训练任务。</translation>
    </message>
    <message>
        <source>Free some space and restore the run again.</source>
        <translation>请腾出空间后再次恢复该训练任务。</translation>
    </message>
    <message>
        <source>The trash holds no run.</source>
        <translation>回收站中没有训练任务。</translation>
    </message>
    <message>
        <source>No run `{0}` was removed.</source>
        <translation>没有被移除的训练任务 `{0}`。</translation>
    </message>
    <message>
        <source>`{0}` could mean {1} removed runs: {2}.</source>
        <translation>`{0}` 可以指 {1} 个已移除的训练任务：{2}。</translation>
    </message>
    <message>
        <source>Write one of these names.</source>
        <translation>请写出其中一个名称。</translation>
    </message>
    <message>
        <source>What could not be read of it has its default.</source>
        <translation>其中无法读取的部分使用默认值。</translation>
    </message>
    <message>
        <source>What could not be read of it has its default; the damaged file is kept as {0}.</source>
        <translation>其中无法读取的部分使用默认值；损坏的文件保存为 {0}。</translation>
    </message>
    <message>
        <source>The settings in {0} are damaged.</source>
        <translation>{0} 中的设置已损坏。</translation>
    </message>
    <message>
        <source>Runs are at work or wait, and need the cache: {0}.</source>
        <translation>有训练任务正在进行或等待，需要用到缓存：{0}。</translation>
    </message>
    <message>
        <source>Free it once they have ended.</source>
        <translation>请在它们结束后再释放。</translation>
    </message>
    <message>
        <source>Leave its strength at 1.</source>
        <translation>请把它的强度保持为 1。</translation>
    </message>
    <message>
        <source>{0} is a whole model, which answers as it was trained or not at all.</source>
        <translation>{0} 是完整模型，只能按训练出来的样子回答，没有强弱可调。</translation>
    </message>
    <message>
        <source>The adapter {0} is by {1}, which acts as it was trained or not at all.</source>
        <translation>适配器 {0} 使用 {1}，只能按训练时的强度起作用，或完全不起作用。</translation>
    </message>
    <message>
        <source>The adapter {0} is a DoRA, which acts as it was trained or not at all.</source>
        <translation>适配器 {0} 是 DoRA，只能按训练时的强度起作用，或完全不起作用。</translation>
    </message>
    <message>
        <source>The adapter {0} has modules trained whole, which act as they were trained or not at all.</source>
        <translation>适配器 {0} 含有整体训练的模块，它们只能按训练时的样子起作用，或完全不起作用。</translation>
    </message>
    <message>
        <source>The adapter {0} changes biases, which act as they were trained or not at all.</source>
        <translation>适配器 {0} 改变了偏置，它们只能按训练时的样子起作用，或完全不起作用。</translation>
    </message>
    <message>
        <source>`{0}` is tried twice.</source>
        <translation>`{0}` 被尝试了两次。</translation>
    </message>
    <message>
        <source>Write all of its values behind one name.</source>
        <translation>请把它的所有值写在同一个名称后面。</translation>
    </message>
    <message>
        <source>These are {0} combinations, and at most {1} can be tried at once.</source>
        <translation>共有 {0} 种组合，一次最多尝试 {1} 种。</translation>
    </message>
    <message>
        <source>Try fewer values, or fewer settings.</source>
        <translation>请减少值或设置。</translation>
    </message>
    <message>
        <source>`{0}` tries no values.</source>
        <translation>`{0}` 没有给出要尝试的值。</translation>
    </message>
    <message>
        <source>Write it as key=value,value.</source>
        <translation>请写成 key=value,value。</translation>
    </message>
    <message>
        <source>Names are not tried: each run has one of its own.</source>
        <translation>名称不能尝试：每个运行都有自己的名称。</translation>
    </message>
    <message>
        <source>Try another setting.</source>
        <translation>请尝试另一个设置。</translation>
    </message>
    <message>
        <source>`{0}` could mean {1} things in the trash: {2}.</source>
        <translation>`{0}` 可能指回收站中的 {1} 项：{2}。</translation>
    </message>
    <message>
        <source>Write one of these.</source>
        <translation>请写出其中之一。</translation>
    </message>
    <message>
        <source>There is no `{0}` in the trash.</source>
        <translation>回收站中没有 `{0}`。</translation>
    </message>
    <message>
        <source>Offline mode is on.</source>
        <translation>离线模式已开启。</translation>
    </message>
    <message>
        <source>Unset HF_HUB_OFFLINE, then upload again.</source>
        <translation>请取消 HF_HUB_OFFLINE，然后重新上传。</translation>
    </message>
    <message>
        <source>Nobody is logged in to Hugging Face on this machine.</source>
        <translation>这台机器上没有人登录 Hugging Face。</translation>
    </message>
    <message>
        <source>Hugging Face does not take the head of README.md.</source>
        <translation>Hugging Face 不接受 README.md 的开头部分。</translation>
    </message>
    <message>
        <source>Mend it, then upload again.</source>
        <translation>请修正它，然后重新上传。</translation>
    </message>
    <message>
        <source>The upload broke off: Hugging Face cannot be reached.</source>
        <translation>上传中断：无法连接 Hugging Face。</translation>
    </message>
    <message>
        <source>Check the connection and upload again.</source>
        <translation>请检查网络连接，然后重新上传。</translation>
    </message>
    <message>
        <source>Export an adapter with `studio export`, and name its folder.</source>
        <translation>请用 `studio export` 导出适配器，并指定它的文件夹。</translation>
    </message>
    <message>
        <source>{0} holds no export.</source>
        <translation>{0} 中没有导出内容。</translation>
    </message>
    <message>
        <source>`{0}` is no name for a model on Hugging Face.</source>
        <translation>`{0}` 不是 Hugging Face 上模型的有效名称。</translation>
    </message>
    <message>
        <source>Hugging Face does not let this login write to {0} ({1}).</source>
        <translation>Hugging Face 不允许当前登录写入 {0}（{1}）。</translation>
    </message>
    <message>
        <source>Hugging Face answered with error {0}.</source>
        <translation>Hugging Face 返回错误 {0}。</translation>
    </message>
    <message>
        <source>Rows that are all equal cannot be split in two.</source>
        <translation>所有行都相同，无法划分成两部分。</translation>
    </message>
    <message>
        <source>One row cannot be split in two.</source>
        <translation>只有一行，无法划分。</translation>
    </message>
    <message>
        <source>{0} shares were given for {1} sources.</source>
        <translation>给出了 {0} 个比例，而来源有 {1} 个。</translation>
    </message>
    <message>
        <source>Give one share a source, at least one of them above 0.</source>
        <translation>请为每个来源给出一个比例，其中至少一个大于 0。</translation>
    </message>
    <message>
        <source>An epoch of this mix would have {0} rows.</source>
        <translation>这样混合后，一轮将有 {0} 行。</translation>
    </message>
    <message>
        <source>Raise the smallest share, or give the number of rows of an epoch.</source>
        <translation>请提高最小的比例，或指定一轮的行数。</translation>
    </message>
    <message>
        <source>for evaluation in the version, and a file is evaluated on instead</source>
        <translation>在该版本中用于评估，但改用文件进行评估</translation>
    </message>
    <message>
        <source>equal to a row for evaluation</source>
        <translation>与某个评估行相同</translation>
    </message>
    <message>
        <source>Every row is for evaluation, so there is none to train on.</source>
        <translation>所有行都用于评估，没有可用于训练的行。</translation>
    </message>
    <message>
        <source>Add rows, or hold fewer back; see `data.eval_exclusive`.</source>
        <translation>请增加数据行，或少留出一些用于评估；参见 `data.eval_exclusive`。</translation>
    </message>
    <message>
        <source>Split the version itself by its tags: `studio data split`.</source>
        <translation>请在版本内按标签划分：`studio data split`。</translation>
    </message>
    <message>
        <source>Rows can be stratified by tags only in a dataset version.</source>
        <translation>只有在数据集版本中才能按标签分层。</translation>
    </message>
    <message>
        <source>{0} ends in neither .jsonl nor .parquet.</source>
        <translation>{0} 既不以 .jsonl 结尾，也不以 .parquet 结尾。</translation>
    </message>
    <message>
        <source>Choose one of these endings.</source>
        <translation>请使用其中一种扩展名。</translation>
    </message>
    <message>
        <source>Free some space and export again.</source>
        <translation>请释放一些空间，然后重新导出。</translation>
    </message>
    <message>
        <source>The version {0} has no rows {1}.</source>
        <translation>版本 {0} 中没有 {1} 的行。</translation>
    </message>
    <message>
        <source>Split it first, or export all rows.</source>
        <translation>请先划分，或导出所有行。</translation>
    </message>
    <message>
        <source>`{0}` cannot be the name of a version.</source>
        <translation>`{0}` 不能用作版本名称。</translation>
    </message>
    <message>
        <source>Use up to 60 letters, digits, `.`, `-` and `_`, or a path that ends in {0}.</source>
        <translation>请使用至多 60 个字母、数字、`.`、`-` 和 `_`，或以 {0} 结尾的路径。</translation>
    </message>
    <message>
        <source>There is no version {0}.</source>
        <translation>没有版本 {0}。</translation>
    </message>
    <message>
        <source>`studio data version list` shows them.</source>
        <translation>`studio data version list` 可列出所有版本。</translation>
    </message>
    <message>
        <source>Check its permissions.</source>
        <translation>请检查其权限。</translation>
    </message>
    <message>
        <source>{0} is not a recipe, or is damaged.</source>
        <translation>{0} 不是配方，或已损坏。</translation>
    </message>
    <message>
        <source>{0} was written by another version of Finetune Studio.</source>
        <translation>{0} 由其他版本的 Finetune Studio 写出。</translation>
    </message>
    <message>
        <source>Open it with that one.</source>
        <translation>请用那个版本打开。</translation>
    </message>
    <message>
        <source>{0} was changed by something other than Finetune Studio.</source>
        <translation>{0} 被 Finetune Studio 以外的程序修改过。</translation>
    </message>
    <message>
        <source>{0} does not fit together.</source>
        <translation>{0} 的内容前后不一致。</translation>
    </message>
    <message>
        <source>There is a version {0} already.</source>
        <translation>已有版本 {0}。</translation>
    </message>
    <message>
        <source>Choose another name.</source>
        <translation>请换一个名称。</translation>
    </message>
    <message>
        <source>{0} is the copy that a run keeps of its data, and stays as it is.</source>
        <translation>{0} 是训练任务保存的数据副本，保持不变。</translation>
    </message>
    <message>
        <source>Edit the version that the run was given, or one that is made of this copy.</source>
        <translation>请编辑该训练任务所用的原版本，或由此副本创建的版本。</translation>
    </message>
    <message>
        <source>A step of this kind is not known.</source>
        <translation>没有这种步骤。</translation>
    </message>
    <message>
        <source>`kind` is one of {0}.</source>
        <translation>`kind` 应为 {0} 之一。</translation>
    </message>
    <message>
        <source>`kind` is one of {0}, mend.</source>
        <translation>`kind` 应为 {0}、mend 之一。</translation>
    </message>
    <message>
        <source>Name at least one row: rows=3,10-20, or in JSON [[0, 3, 3], [0, 10, 20]].</source>
        <translation>请至少写出一行：rows=3,10-20，或用 JSON 写作 [[0, 3, 3], [0, 10, 20]]。</translation>
    </message>
    <message>
        <source>Give `shortest`, `longest` or a number of rows, 1 at least.</source>
        <translation>请给出 `shortest`、`longest` 或行数，至少为 1。</translation>
    </message>
    <message>
        <source>This is no {0} step: {1}: it is missing or none of the choices.</source>
        <translation>这不是 {0} 步骤：{1}：缺失，或不在可选项之内。</translation>
    </message>
    <message>
        <source>This is no {0} step: {1}: {2}.</source>
        <translation>这不是有效的 {0} 步骤：{1}：{2}。</translation>
    </message>
    <message>
        <source>Correct `{0}`.</source>
        <translation>请改正 `{0}`。</translation>
    </message>
    <message>
        <source>Free some space and try again: the version is as it was.</source>
        <translation>请腾出空间后重试：版本保持原样。</translation>
    </message>
    <message>
        <source>The tags are: {0}.</source>
        <translation>现有标签：{0}。</translation>
    </message>
    <message>
        <source>No row has a tag yet; `tag` gives rows one.</source>
        <translation>还没有任何行带标签；`tag` 步骤可以添加标签。</translation>
    </message>
    <message>
        <source>No row has the tag `{0}`.</source>
        <translation>没有任何行带标签 `{0}`。</translation>
    </message>
    <message>
        <source>Row {0} of {1} cannot become this: {2}.</source>
        <translation>{1} 的第 {0} 行不能改成这样：{2}。</translation>
    </message>
    <message>
        <source>Give data that is a row in the format `{0}`, as `studio data show` shows them.</source>
        <translation>请给出格式为 `{0}` 的一行数据，样子如 `studio data show` 所示。</translation>
    </message>
    <message>
        <source>{0} has no rows left to mix.</source>
        <translation>{0} 没有剩下可混合的行。</translation>
    </message>
    <message>
        <source>Give it the share 0, or undo what took its rows out.</source>
        <translation>请将其比例设为 0，或撤销排除这些行的步骤。</translation>
    </message>
    <message>
        <source>No row has a column `{0}`.</source>
        <translation>没有任何一行含有列 `{0}`。</translation>
    </message>
    <message>
        <source>Name one of the columns, or `source`, `tag`, `length`, `turns`.</source>
        <translation>请指定其中一列，或 `source`、`tag`、`length`、`turns`。</translation>
    </message>
    <message>
        <source>There is no source {0}.</source>
        <translation>没有来源 {0}。</translation>
    </message>
    <message>
        <source>There are {0}, from 0.</source>
        <translation>共有 {0} 个，从 0 开始编号。</translation>
    </message>
    <message>
        <source>Correct it, or search for the text as it is.</source>
        <translation>请改正它，或按原文搜索。</translation>
    </message>
    <message>
        <source>`{0}` takes too long on a row.</source>
        <translation>`{0}` 在某一行上耗时过长。</translation>
    </message>
    <message>
        <source>Make the expression simpler.</source>
        <translation>请简化表达式。</translation>
    </message>
    <message>
        <source>Something else changed the version {0} meanwhile.</source>
        <translation>版本 {0} 在此期间被其他程序修改。</translation>
    </message>
    <message>
        <source>a version of {0}</source>
        <translation>{0} 的一个版本</translation>
    </message>
    <message>
        <source>The version {0} has no rows left.</source>
        <translation>版本 {0} 中已没有数据行。</translation>
    </message>
    <message>
        <source>Undo the step that took them out.</source>
        <translation>请撤销排除它们的步骤。</translation>
    </message>
    <message>
        <source>None of its files has a row that can be used: {0}.</source>
        <translation>它的文件中没有一行可用：{0}。</translation>
    </message>
    <message>
        <source>Rows in the format `{0}` cannot be mixed with others.</source>
        <translation>`{0}` 格式的行不能与其他格式混合。</translation>
    </message>
    <message>
        <source>Give them another format, or map their columns.</source>
        <translation>请为它们指定其他格式，或指定各列的用途。</translation>
    </message>
    <message>
        <source>{0} changed since the version {1} was made of it.</source>
        <translation>创建版本 {1} 之后，{0} 已被修改。</translation>
    </message>
    <message>
        <source>Put it back as it was, or take its new rows over with `studio data version rebase {0}`.</source>
        <translation>请将其还原，或用 `studio data version rebase {0}` 采用新的数据行。</translation>
    </message>
    <message>
        <source>Make it shorter, or nest it less.</source>
        <translation>请缩短它，或减少嵌套。</translation>
    </message>
    <message>
        <source>Row {0} of {1} cannot be used as it was edited: {2}.</source>
        <translation>{1} 的第 {0} 行编辑后无法使用：{2}。</translation>
    </message>
    <message>
        <source>Undo the edit.</source>
        <translation>请撤销该编辑。</translation>
    </message>
    <message>
        <source>Row {0} of {1} cannot be used as this version has it: {2}.</source>
        <translation>{1} 的第 {0} 行在此版本中的形式无法使用：{2}。</translation>
    </message>
    <message>
        <source>Exclude it from the version.</source>
        <translation>请把它从该版本中排除。</translation>
    </message>
    <message>
        <source>PEFT cannot put this adapter on the model: {0}</source>
        <translation>PEFT 无法把此适配器装到模型上：{0}</translation>
    </message>
    <message>
        <source>Change the adapter&apos;s settings.</source>
        <translation>请修改适配器的设置。</translation>
    </message>
    <message>
        <source>In this model PEFT takes some of these target modules to mean the experts ({0}).</source>
        <translation>在此模型中，PEFT 会把其中一些目标模块当作专家（{0}）。</translation>
    </message>
    <message>
        <source>Choose other modules, such as [q_proj, k_proj, v_proj, o_proj]; name experts in target_parameters.</source>
        <translation>请选择其他模块，如 [q_proj, k_proj, v_proj, o_proj]；专家请在 target_parameters 中指定。</translation>
    </message>
    <message>
        <source>PEFT cannot load the adapter in {0}: {1}</source>
        <translation>PEFT 无法加载 {0} 中的适配器：{1}</translation>
    </message>
    <message>
        <source>Export it again from its source.</source>
        <translation>请从来源处重新导出。</translation>
    </message>
    <message>
        <source>Biases of nf4 layers are kept in half precision, which rounds away what is learned.</source>
        <translation>nf4 层的偏置以半精度保存，学到的内容会被舍入掉。</translation>
    </message>
    <message>
        <source>Set `adapter.bias` to none, or choose 8bit.</source>
        <translation>请将 `adapter.bias` 设为 none，或选择 8bit。</translation>
    </message>
    <message>
        <source>Orthogonal initialisation needs even ranks.</source>
        <translation>正交初始化要求秩为偶数。</translation>
    </message>
    <message>
        <source>Choose an even rank.</source>
        <translation>请选择偶数秩。</translation>
    </message>
    <message>
        <source>{0} begins with directions of linear layers, and {1} is none.</source>
        <translation>{0} 从线性层的方向开始，而 {1} 不是线性层。</translation>
    </message>
    <message>
        <source>Take it out of target_modules, or set init_lora_weights to default.</source>
        <translation>请将它从 target_modules 中去掉，或将 init_lora_weights 设为 default。</translation>
    </message>
    <message>
        <source>{0} begins with as many directions as the rank, {1}, and {2} has {3}.</source>
        <translation>{0} 从与秩一样多（{1}）的方向开始，而 {2} 只有 {3} 个。</translation>
    </message>
    <message>
        <source>Set r to at most {0}, or init_lora_weights to default.</source>
        <translation>请将 r 设为不超过 {0}，或将 init_lora_weights 设为 default。</translation>
    </message>
    <message>
        <source>Full fine-tuning needs unquantized weights.</source>
        <translation>全量微调需要未量化的权重。</translation>
    </message>
    <message>
        <source>Set quantization to none, or the method to lora.</source>
        <translation>请把量化设为 none，或把方法设为 lora。</translation>
    </message>
    <message>
        <source>the tokens before its answer fill the maximum length of {0}</source>
        <translation>回答之前的词元已占满最大长度 {0}</translation>
    </message>
    <message>
        <source>its answers differ only behind the maximum length of {0}</source>
        <translation>它的两个回答在最大长度 {0} 之后才有差别</translation>
    </message>
    <message>
        <source>needs program code of its own, which is never run here</source>
        <translation>需要自带的程序代码，这里从不运行此类代码</translation>
    </message>
    <message>
        <source>Choose another model of its kind.</source>
        <translation>请选择同类的其他模型。</translation>
    </message>
    <message>
        <source>cannot be opened: {0}</source>
        <translation>无法打开：{0}</translation>
    </message>
    <message>
        <source>Choose a text model, or a newer Finetune Studio.</source>
        <translation>请选择文本模型，或使用更新的 Finetune Studio。</translation>
    </message>
    <message>
        <source>is already quantized ({0}), in a way that cannot be trained here</source>
        <translation>已被量化（{0}），其方式在这里无法训练</translation>
    </message>
    <message>
        <source>Use the model it was made from, and choose 8bit or nf4 for it.</source>
        <translation>请使用它的原始模型，并为其选择 8bit 或 nf4。</translation>
    </message>
    <message>
        <source>claims {0} = {1}, which no real model has</source>
        <translation>声称 {0} = {1}，真实的模型都不会如此</translation>
    </message>
    <message>
        <source>Download it again.</source>
        <translation>请重新下载。</translation>
    </message>
    <message>
        <source>asks for program code from elsewhere ({0})</source>
        <translation>要求来自别处的程序代码（{0}）</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>请选择其他模型。</translation>
    </message>
    <message>
        <source>asks for program code or files of its own ({0})</source>
        <translation>要求自带的程序代码或文件（{0}）</translation>
    </message>
    <message>
        <source>{0} does not end in .zip.</source>
        <translation>{0} 不以 .zip 结尾。</translation>
    </message>
    <message>
        <source>Name a file that does.</source>
        <translation>请指定以此结尾的文件。</translation>
    </message>
    <message>
        <source>Name a new file, or add --overwrite.</source>
        <translation>请指定新文件，或加上 --overwrite。</translation>
    </message>
    <message>
        <source>The run {0} is at work, and a capsule holds all of its steps.</source>
        <translation>任务 {0} 正在进行，而胶囊需包含其全部步骤。</translation>
    </message>
    <message>
        <source>Wait for its end, or stop it.</source>
        <translation>请等待其结束，或将其停止。</translation>
    </message>
    <message>
        <source>The rows of the run&apos;s steps are not those that its settings and its data come to now.</source>
        <translation>此任务各步的数据行与现在按其设置和数据得出的不同。</translation>
    </message>
    <message>
        <source>It went on with another number of processes, or was made by another version of this program.</source>
        <translation>它曾以不同数量的进程继续训练，或由本程序的其他版本创建。</translation>
    </message>
    <message>
        <source>There is no capsule of a run on a processor that trains biases or whole modules in half precision.</source>
        <translation>在处理器上以半精度训练偏置或整个模块的任务没有胶囊。</translation>
    </message>
    <message>
        <source>There is no capsule of a run on a processor that trains DoRA beside a base in 8 bits.</source>
        <translation>在处理器上基于 8 位基础模型训练 DoRA 的任务没有胶囊。</translation>
    </message>
    <message>
        <source>The checkpoint {0} could not be read back: {1}.</source>
        <translation>检查点 {0} 无法读回：{1}。</translation>
    </message>
    <message>
        <source>Check the disk&apos;s health. Earlier checkpoints are kept; resume the run from them.</source>
        <translation>请检查磁盘状况。较早的检查点仍保留，可从它们恢复训练。</translation>
    </message>
    <message>
        <source>The disk is nearly full: a checkpoint needs {0} and {1} are free.</source>
        <translation>磁盘快满了：一个检查点需要 {0}，剩余 {1}。</translation>
    </message>
    <message>
        <source>The run ended by a defect of the program: {0}: {1}</source>
        <translation>程序缺陷导致训练结束：{0}：{1}</translation>
    </message>
    <message>
        <source>Its checkpoints are kept. Please report the details; resuming may work.</source>
        <translation>检查点仍保留。请报告详情；恢复训练可能可行。</translation>
    </message>
    <message>
        <source>This model cannot compute its activations again.</source>
        <translation>此模型不能重新计算激活值。</translation>
    </message>
    <message>
        <source>Set `training.activation_checkpointing` to false.</source>
        <translation>请将 `training.activation_checkpointing` 设为 false。</translation>
    </message>
    <message>
        <source>This model does not keep packed rows apart: one row would see another.</source>
        <translation>此模型不能隔开打包的数据行：一行会看到另一行。</translation>
    </message>
    <message>
        <source>Set `data.packing` to false.</source>
        <translation>请把 `data.packing` 设为 false。</translation>
    </message>
    <message>
        <source>it adapts embeddings</source>
        <translation>它调整了嵌入层</translation>
    </message>
    <message>
        <source>Early stopping needs rows for evaluation, and this dataset version holds none back.</source>
        <translation>早停需要用于评估的行，而此数据集版本没有留出任何行。</translation>
    </message>
    <message>
        <source>Split the version, or set `data.eval_split`.</source>
        <translation>请划分该版本，或设置 `data.eval_split`。</translation>
    </message>
    <message>
        <source>1 row that is</source>
        <translation>1 行</translation>
    </message>
    <message>
        <source>{0} rows that are</source>
        <translation>{0} 行</translation>
    </message>
    <message>
        <source>{0} equal to an evaluation row will not be trained on.</source>
        <translation>{0}与评估行相同，不会用于训练。</translation>
    </message>
    <message>
        <source>The longest row has {0} tokens, but this model reads at most {1}.</source>
        <translation>最长的一行有 {0} 个词元，但该模型最多读取 {1} 个。</translation>
    </message>
    <message>
        <source>Set `data.max_length` to {0}, so that longer rows are cut, or leave them out.</source>
        <translation>请把 `data.max_length` 设为 {0}，以截断更长的行，或去掉这些行。</translation>
    </message>
    <message>
        <source>Row {0} of the {1} data, counted from 0.</source>
        <translation>{1} 数据的第 {0} 行（从 0 数起）。</translation>
    </message>
    <message>
        <source>A row has one answer of up to {0} tokens and a longer one, which this model computes differently.</source>
        <translation>某一行的一个回答不超过 {0} 个词元，另一个则更长，而该模型对两者的计算方式不同。</translation>
    </message>
    <message>
        <source>Set `data.max_length` to {0}, so that longer ones are cut, or leave such rows out.</source>
        <translation>请把 `data.max_length` 设为 {0}，以截断更长的回答，或去掉这样的行。</translation>
    </message>
    <message>
        <source>1 long text was</source>
        <translation>1 篇长文本</translation>
    </message>
    <message>
        <source>{0} long texts were</source>
        <translation>{0} 篇长文本</translation>
    </message>
    <message>
        <source>{0} made into {1} chunks for training.</source>
        <translation>{0}已分成 {1} 个分块用于训练。</translation>
    </message>
    <message>
        <source>All training rows are labelled good: what tells them from bad ones is not learned.</source>
        <translation>所有训练行都标为好：学不到好坏之间的区别。</translation>
    </message>
    <message>
        <source>All training rows are labelled bad: what tells them from good ones is not learned.</source>
        <translation>所有训练行都标为坏：学不到好坏之间的区别。</translation>
    </message>
    <message>
        <source>{0} training rows are good and {1} bad: for both to weigh the same, set training.{2} to {3}.</source>
        <translation>训练行中 {0} 行为好，{1} 行为坏：要使两者分量相同，请把 training.{2} 设为 {3}。</translation>
    </message>
    <message>
        <source>Name rows of the kind that is trained on, or set data.eval_split.</source>
        <translation>请指定与训练数据同类的行，或设置 data.eval_split。</translation>
    </message>
    <message>
        <source>None of the {0} rows has a token to learn from.</source>
        <translation>{0} 行中没有任何可供学习的词元。</translation>
    </message>
    <message>
        <source>None of the {0} rows has a token to learn from. Row {1}: {2}.</source>
        <translation>{0} 行中没有任何可供学习的词元。第 {1} 行：{2}。</translation>
    </message>
    <message>
        <source>`studio data tokens` shows what the model sees of a row; check the maximum length and the template.</source>
        <translation>`studio data tokens` 可显示模型所见的一行；请检查最大长度和模板。</translation>
    </message>
    <message>
        <source>Close other programs, choose nf4 quantization or a smaller model, or ask for shorter answers.</source>
        <translation>请关闭其他程序、选择 nf4 量化或更小的模型，或要求更短的回答。</translation>
    </message>
    <message>
        <source>This failed by a defect of the program: {0}: {1}</source>
        <translation>程序缺陷导致失败：{0}：{1}</translation>
    </message>
    <message>
        <source>Please report the details; what is open in the window is not touched.</source>
        <translation>请报告详情；窗口中打开的内容不受影响。</translation>
    </message>
    <message>
        <source>Its numbers overflow: hold the base in float32 if that is possible, or use another one.</source>
        <translation>其数值溢出：如有可能请以 float32 加载基座，或使用另一个。</translation>
    </message>
    <message>
        <source>The base gives no finite loss for this text.</source>
        <translation>基座对此文本给不出有限的损失。</translation>
    </message>
    <message>
        <source>The adapter {0} gives no finite loss for this text.</source>
        <translation>适配器 {0} 对此文本给不出有限的损失。</translation>
    </message>
    <message>
        <source>PyTorch {0} cannot compute on {1}: {2}</source>
        <translation>PyTorch {0} 无法在 {1} 上计算：{2}</translation>
    </message>
    <message>
        <source>Install the PyTorch build for this GPU and driver, or update the driver.</source>
        <translation>请安装适合此 GPU 和驱动的 PyTorch 版本，或更新驱动。</translation>
    </message>
    <message>
        <source>PyTorch {0} computes on {1}.</source>
        <translation>PyTorch {0} 在 {1} 上计算。</translation>
    </message>
    <message>
        <source>There is an NVIDIA driver ({0}), but PyTorch {1} does not use it.</source>
        <translation>有 NVIDIA 驱动（{0}），但 PyTorch {1} 没有使用它。</translation>
    </message>
    <message>
        <source>Training runs on the CPU; for the GPU install the PyTorch build for this driver, or update the driver.</source>
        <translation>训练将在 CPU 上进行；要用 GPU，请安装适合此驱动的 PyTorch 版本，或更新驱动。</translation>
    </message>
    <message>
        <source>The NVIDIA driver is in use.</source>
        <translation>正在使用 NVIDIA 驱动程序。</translation>
    </message>
    <message>
        <source>There is no NVIDIA driver, and none is needed.</source>
        <translation>没有 NVIDIA 驱动程序，也不需要。</translation>
    </message>
    <message>
        <source>bitsandbytes does not work here: {0}</source>
        <translation>bitsandbytes 在此无法工作：{0}</translation>
    </message>
    <message>
        <source>8-bit and NF4 are not available; training in full precision is.</source>
        <translation>8 位和 NF4 不可用；可以用全精度训练。</translation>
    </message>
    <message>
        <source>8-bit and NF4 quantization work.</source>
        <translation>8 位和 NF4 量化可用。</translation>
    </message>
    <message>
        <source>{0} cannot be written.</source>
        <translation>{0} 无法写入。</translation>
    </message>
    <message>
        <source>Set STUDIO_HOME to a folder of your own.</source>
        <translation>请把 STUDIO_HOME 设为你自己的文件夹。</translation>
    </message>
    <message>
        <source>Runs and adapters are kept in {0}.</source>
        <translation>训练任务和适配器保存在 {0}。</translation>
    </message>
    <message>
        <source>The window&apos;s settings can be read.</source>
        <translation>窗口的设置可以读取。</translation>
    </message>
    <message>
        <source>Only {0} GB are free.</source>
        <translation>只剩 {0} GB 可用。</translation>
    </message>
    <message>
        <source>Free some space: checkpoints and models need it.</source>
        <translation>请腾出空间：检查点和模型需要它。</translation>
    </message>
    <message>
        <source>{0} GB are free.</source>
        <translation>剩余 {0} GB。</translation>
    </message>
    <message>
        <source>The built-in model is missing.</source>
        <translation>缺少内置模型。</translation>
    </message>
    <message>
        <source>Install Finetune Studio again.</source>
        <translation>请重新安装 Finetune Studio。</translation>
    </message>
    <message>
        <source>The built-in model is in place.</source>
        <translation>内置模型已就位。</translation>
    </message>
    <message>
        <source>{0} was changed since the training, so the rows that were held back are lost.</source>
        <translation>{0} 自训练以来已被更改，因此留出的行已无从得知。</translation>
    </message>
    <message>
        <source>Bring the data back as it was, or name a file to evaluate on.</source>
        <translation>请把数据恢复原样，或指定一个用于评估的文件。</translation>
    </message>
    <message>
        <source>No row of {0} is held back for evaluation.</source>
        <translation>{0} 中没有留作评估的行。</translation>
    </message>
    <message>
        <source>Name a file to evaluate on.</source>
        <translation>请指定一个用于评估的文件。</translation>
    </message>
    <message>
        <source>Of none of these rows of {0} anything is learned. The first: {1}.</source>
        <translation>{0} 的这些行中没有任何内容会被学习。第一行：{1}。</translation>
    </message>
    <message>
        <source>Check the maximum length and the chat template.</source>
        <translation>请检查最大长度和聊天模板。</translation>
    </message>
    <message>
        <source>Export another one.</source>
        <translation>请导出其他适配器。</translation>
    </message>
    <message>
        <source>{0} is a whole model: there is no adapter to be taken out.</source>
        <translation>{0} 是完整模型：没有可以取出的适配器。</translation>
    </message>
    <message>
        <source>Export it with --to merged, as it is, or as one file with --to gguf.</source>
        <translation>请用 --to merged 原样导出，或用 --to gguf 导出为一个文件。</translation>
    </message>
    <message>
        <source>{0} lies in the folder in which Finetune Studio keeps its own files.</source>
        <translation>{0} 位于 Finetune Studio 存放自身文件的文件夹内。</translation>
    </message>
    <message>
        <source>Name a folder outside of {0}.</source>
        <translation>请指定 {0} 以外的文件夹。</translation>
    </message>
    <message>
        <source>Name a new folder; nothing is overwritten.</source>
        <translation>请指定新文件夹；不会覆盖任何文件。</translation>
    </message>
    <message>
        <source>The export needs {0} and the disk has {1} left.</source>
        <translation>导出需要 {0}，磁盘剩余 {1}。</translation>
    </message>
    <message>
        <source>Free some space, or name a folder on another disk.</source>
        <translation>请腾出空间，或指定另一磁盘上的文件夹。</translation>
    </message>
    <message>
        <source>its logits are off by up to {0}, and at most {1} can be rounding</source>
        <translation>logits 最多相差 {0}，而舍入误差至多为 {1}</translation>
    </message>
    <message>
        <source>Read back from the disk, the export answers differently: {0}.</source>
        <translation>从磁盘读回后，导出结果的回答不同：{0}。</translation>
    </message>
    <message>
        <source>Do not use it. It was kept as {0} to look at; the adapter in the library is as it was.</source>
        <translation>请不要使用它。它保留为 {0} 以供查看；适配器库中的适配器没有变化。</translation>
    </message>
    <message>
        <source>it splits {0} into other tokens</source>
        <translation>它把 {0} 切分成了别的词元</translation>
    </message>
    <message>
        <source>llama.cpp would split {0} into other tokens than the model learned</source>
        <translation>llama.cpp 会把 {0} 切分成与模型所学不同的词元</translation>
    </message>
    <message>
        <source>Export it as a merged model (--to merged), which every program built on transformers reads.</source>
        <translation>请导出为合并模型（--to merged），所有基于 transformers 的程序都能读取。</translation>
    </message>
    <message>
        <source>A GGUF file cannot be made of this model: {0}.</source>
        <translation>无法用此模型制作 GGUF 文件：{0}。</translation>
    </message>
    <message>
        <source>the family {0} is not one of {1}</source>
        <translation>模型系列 {0} 不在 {1} 之中</translation>
    </message>
    <message>
        <source>its {0} is {1}, and llama.cpp computes with {2}</source>
        <translation>其 {0} 为 {1}，而 llama.cpp 按 {2} 计算</translation>
    </message>
    <message>
        <source>its {0} heads of {1} are not as wide together as the model, {2}</source>
        <translation>其 {0} 个宽度为 {1} 的头合起来与模型宽度 {2} 不等</translation>
    </message>
    <message>
        <source>its query_pre_attn_scalar is {0}, and llama.cpp takes {1}</source>
        <translation>其 query_pre_attn_scalar 为 {0}，而 llama.cpp 取 {1}</translation>
    </message>
    <message>
        <source>which of its layers attend to all tokens is not every one in {0}</source>
        <translation>其关注全部词元的层不是每 {0} 层一层</translation>
    </message>
    <message>
        <source>llama.cpp knows no tensor {0} in the family {1}</source>
        <translation>llama.cpp 的 {1} 系列中没有张量 {0}</translation>
    </message>
    <message>
        <source>its positions are scaled by {0}, which llama.cpp does otherwise in {1} models</source>
        <translation>其位置按 {0} 缩放，而 llama.cpp 在 {1} 模型中的做法不同</translation>
    </message>
    <message>
        <source>only a part of each head is turned by position</source>
        <translation>每个头只有一部分随位置旋转</translation>
    </message>
    <message>
        <source>llama.cpp cannot load this adapter as a file of its own. {0}</source>
        <translation>llama.cpp 不能把这个适配器作为单独的文件加载。{0}</translation>
    </message>
    <message>
        <source>Experts are not written to a file of their own.</source>
        <translation>专家的适配器不会写成单独的文件。</translation>
    </message>
    <message>
        <source>Export it merged, which is one file too (--to gguf).</source>
        <translation>请导出合并后的模型，它也是单个文件（--to gguf）。</translation>
    </message>
    <message>
        <source>llama.cpp has no weight of its own for {0}</source>
        <translation>llama.cpp 中没有 {0} 自己的权重</translation>
    </message>
    <message>
        <source>its embedding is its output layer too, and llama.cpp would put the adapter on both</source>
        <translation>它的嵌入层同时是输出层，llama.cpp 会把适配器加到两者上</translation>
    </message>
    <message>
        <source>Read back from the disk, the export is no sound GGUF file.</source>
        <translation>从磁盘读回后，导出结果不是完好的 GGUF 文件。</translation>
    </message>
    <message>
        <source>Export it again.</source>
        <translation>请重新导出。</translation>
    </message>
    <message>
        <source>A number of {0} cannot be stored as {1}.</source>
        <translation>{0} 中有一个数无法存为 {1}。</translation>
    </message>
    <message>
        <source>Choose bf16, which holds numbers of every size, or f32.</source>
        <translation>请选择能容纳任意大小数值的 bf16，或 f32。</translation>
    </message>
    <message>
        <source>its tokenizer is of the kind {0}, and only BPE is known to be the same there</source>
        <translation>其分词器属于 {0} 类，而已知在那里相同的只有 BPE</translation>
    </message>
    <message>
        <source>its tokenizer has a {0}, and llama.cpp knows none</source>
        <translation>它的分词器有 {0}，而 llama.cpp 没有</translation>
    </message>
    <message>
        <source>its tokenizer has more tokens than the model&apos;s {0}</source>
        <translation>其分词器的词元多于模型的 {0} 个</translation>
    </message>
    <message>
        <source>it has no token that ends an answer, and llama.cpp would take one of its own</source>
        <translation>它没有结束回答的词元，llama.cpp 会用自己的</translation>
    </message>
    <message>
        <source>its tokenizer changes texts first ({0}), which llama.cpp does not</source>
        <translation>其分词器会先改动文本（{0}），而 llama.cpp 不会</translation>
    </message>
    <message>
        <source>its tokenizer parts texts in a way that is not known to be one of llama.cpp&apos;s</source>
        <translation>其分词器切开文本的方式未知是否为 llama.cpp 所有</translation>
    </message>
    <message>
        <source>its tokenizer has no token {0}, into which llama.cpp parts letters it does not know</source>
        <translation>其分词器没有词元 {0}，而 llama.cpp 会把未知字母拆成它</translation>
    </message>
    <message>
        <source>its tokenizer changes or parts texts in a way that llama.cpp does not</source>
        <translation>其分词器改动或切开文本的方式与 llama.cpp 不同</translation>
    </message>
    <message>
        <source>its tokenizer&apos;s merges are not ordered by token, as those of SentencePiece are</source>
        <translation>其分词器的合并规则不像 SentencePiece 那样按词元排列</translation>
    </message>
    <message>
        <source>its tokenizer does not merge all that is a token together, as llama.cpp does</source>
        <translation>其分词器不像 llama.cpp 那样合并所有能成为词元的部分</translation>
    </message>
    <message>
        <source>its tokenizer puts several tokens before a text</source>
        <translation>其分词器在文本前放置多个词元</translation>
    </message>
    <message>
        <source>a special token of its tokenizer takes the spaces before it, or only counts as a word of its own</source>
        <translation>其分词器的某个特殊词元会吞掉前面的空格，或只有单独成词时才算数</translation>
    </message>
    <message>
        <source>a special token of its tokenizer takes the spaces behind it</source>
        <translation>其分词器的某个特殊词元会吞掉后面的空格</translation>
    </message>
    <message>
        <source>The adapter {0} cannot be merged.</source>
        <translation>适配器 {0} 无法合并。</translation>
    </message>
    <message>
        <source>Export it with --to peft instead.</source>
        <translation>请改为导出 PEFT 格式（--to peft）。</translation>
    </message>
    <message>
        <source>The weights in {0} are stored quantized, and merging into those would erase most of the adapter.</source>
        <translation>{0} 中的权重是量化存储的，合并进去会抹掉适配器的大部分效果。</translation>
    </message>
    <message>
        <source>Name the full-precision original of this base with --base.</source>
        <translation>请用 --base 指定此基座的全精度原版。</translation>
    </message>
    <message>
        <source>The base model takes {0} GB of memory in full precision; {1} GB are free.</source>
        <translation>基座模型在全精度下需要 {0} GB 内存；可用 {1} GB。</translation>
    </message>
    <message>
        <source>Close other programs, or export on a machine with more memory.</source>
        <translation>请关闭其他程序，或在内存更大的机器上导出。</translation>
    </message>
    <message>
        <source>What memory this model needs cannot be told: it {0}.</source>
        <translation>无法得知该模型需要多少内存：{0}。</translation>
    </message>
    <message>
        <source>Train it all the same: a run says if it does not fit.</source>
        <translation>仍可训练：放不下时运行会告知。</translation>
    </message>
    <message>
        <source>It must be {0}.</source>
        <translation>它必须{0}。</translation>
    </message>
    <message>
        <source>The model reads nothing of this question: it has no tokens.</source>
        <translation>模型从这个问题中读不到任何内容：它没有词元。</translation>
    </message>
    <message>
        <source>Write some words.</source>
        <translation>请写几个字。</translation>
    </message>
    <message>
        <source>The conversation has {0} tokens, but this model reads at most {1}.</source>
        <translation>对话有 {0} 个词元，而此模型最多读取 {1} 个。</translation>
    </message>
    <message>
        <source>Shorten it, or start a new one.</source>
        <translation>请缩短对话，或开始新对话。</translation>
    </message>
    <message>
        <source>The adapter {0} is not loaded.</source>
        <translation>适配器 {0} 没有加载。</translation>
    </message>
    <message>
        <source>Load it before it is compared.</source>
        <translation>请先加载再对比。</translation>
    </message>
    <message>
        <source>The adapter {0} trained bias vectors, which change the base model itself.</source>
        <translation>适配器 {0} 训练了偏置向量，这会改变基座模型本身。</translation>
    </message>
    <message>
        <source>Compare it in a model of its own.</source>
        <translation>请在单独的模型中对比它。</translation>
    </message>
    <message>
        <source>Unset HF_HUB_OFFLINE to download it, or name a folder that holds a model.</source>
        <translation>请取消 HF_HUB_OFFLINE 以便下载，或指定含有模型的文件夹。</translation>
    </message>
    <message>
        <source>The rows have too few tokens for eva: twice the rank, {0}, at least.</source>
        <translation>数据行的词元太少，不足以使用 eva：至少需要秩的两倍，即 {0} 个。</translation>
    </message>
    <message>
        <source>Set init_lora_weights to default, or a smaller rank.</source>
        <translation>请将 init_lora_weights 设为 default，或使用更小的秩。</translation>
    </message>
    <message>
        <source>Choose another model or chat template; without that field the answer alone is learned.</source>
        <translation>请选择其他模型或聊天模板；去掉该字段后，只学习回答本身。</translation>
    </message>
    <message>
        <source>Choose another model, or a chat template that lays it out, or leave the row out.</source>
        <translation>请选择其他模型，或能够排布它的对话模板，或排除该行。</translation>
    </message>
    <message>
        <source>Choose another format, or say which columns are the prompt and the answer.</source>
        <translation>请选择其他格式，或指定哪些列是提示和回答。</translation>
    </message>
    <message>
        <source>The row cannot be used: {0}.</source>
        <translation>该行不能使用：{0}。</translation>
    </message>
    <message>
        <source>The chat template refuses this conversation: {0}.</source>
        <translation>对话模板不接受这段对话：{0}。</translation>
    </message>
    <message>
        <source>Change the messages, or choose another chat template.</source>
        <translation>请修改消息，或选择其他对话模板。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer cannot tell which token stands for which part of a text.</source>
        <translation>模型的分词器无法指出每个词元对应文本的哪一部分。</translation>
    </message>
    <message>
        <source>Choose a model with a tokenizer.json file.</source>
        <translation>请选择带有 tokenizer.json 文件的模型。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer names no end token, so an answer could never be learned to end.</source>
        <translation>模型的分词器没有指定结束词元，因此无法学会结束回答。</translation>
    </message>
    <message>
        <source>Choose another model, or name `eos_token` in its tokenizer_config.json.</source>
        <translation>请选择其他模型，或在其 tokenizer_config.json 中指定 `eos_token`。</translation>
    </message>
    <message>
        <source>Chunks of {0} tokens cannot repeat {1} of them.</source>
        <translation>{0} 个词元的分块不能重复其中的 {1} 个。</translation>
    </message>
    <message>
        <source>Lower `data.chunk_overlap`, or raise `data.max_length`.</source>
        <translation>请减小 `data.chunk_overlap`，或增大 `data.max_length`。</translation>
    </message>
    <message>
        <source>asked for more memory than a row can need</source>
        <translation>请求的内存超出一行可能的需要</translation>
    </message>
    <message>
        <source>did not come to an end</source>
        <translation>始终没有结束</translation>
    </message>
    <message>
        <source>Laying out a row {0}.</source>
        <translation>套用模板时{0}。</translation>
    </message>
    <message>
        <source>{0} has other tokens than those of {1}.</source>
        <translation>{0} 的词元与 {1} 的不同。</translation>
    </message>
    <message>
        <source>Compare their answers instead; losses of other tokens are not comparable.</source>
        <translation>请改为比较它们的回答；不同词元的损失不可比较。</translation>
    </message>
    <message>
        <source>Use another one.</source>
        <translation>请换用其他的。</translation>
    </message>
    <message>
        <source>No base model is chosen.</source>
        <translation>没有选择基座模型。</translation>
    </message>
    <message>
        <source>Choose one, such as the built-in model.</source>
        <translation>请选择一个，例如内置模型。</translation>
    </message>
    <message>
        <source>{0} was trained on other weights than those of {1}.</source>
        <translation>{0} 训练时用的权重不是 {1} 的权重。</translation>
    </message>
    <message>
        <source>Choose its own base ({0}), or leave it out.</source>
        <translation>请选择它自己的基础模型（{0}），或不选它。</translation>
    </message>
    <message>
        <source>Not every column has a strength.</source>
        <translation>不是每一列都有强度。</translation>
    </message>
    <message>
        <source>Give each one, or none.</source>
        <translation>请给每一列都指定，或都不指定。</translation>
    </message>
    <message>
        <source>{0} is asked for with two strengths at once.</source>
        <translation>同时要求 {0} 具有两个强度。</translation>
    </message>
    <message>
        <source>Ask with one after the other.</source>
        <translation>请逐个强度提问。</translation>
    </message>
    <message>
        <source>Install Microsoft&apos;s Visual C++ Redistributable, then start Finetune Studio again.</source>
        <translation>请安装微软的 Visual C++ Redistributable，然后重新启动 Finetune Studio。</translation>
    </message>
    <message>
        <source>Close other programs, or make Windows&apos; paging file larger.</source>
        <translation>请关闭其他程序，或增大 Windows 的页面文件。</translation>
    </message>
    <message>
        <source>PyTorch cannot be loaded: {0}.</source>
        <translation>无法加载 PyTorch：{0}。</translation>
    </message>
    <message>
        <source>PEFT does not take this adapter&apos;s settings: {0}</source>
        <translation>PEFT 不接受此适配器的设置：{0}</translation>
    </message>
    <message>
        <source>{0} does not go on a base in 8 or 4 bits.</source>
        <translation>{0} 不能用于 8 位或 4 位的基座。</translation>
    </message>
    <message>
        <source>Hold the base in full precision: set quantization to none.</source>
        <translation>请以全精度保存基座：将 quantization 设为 none。</translation>
    </message>
    <message>
        <source>multiplies the inputs of other layers than an IA3 here, as {0} shows</source>
        <translation>所乘输入的层与这里的 IA3 不同，例如 {0}</translation>
    </message>
    <message>
        <source>Every weight is 0, which is the base itself.</source>
        <translation>所有权重都是 0，也就是基础模型本身。</translation>
    </message>
    <message>
        <source>Give one of them a weight.</source>
        <translation>请至少给其中一个权重。</translation>
    </message>
    <message>
        <source>{0} is a whole model, which cannot be added up.</source>
        <translation>{0} 是完整模型，不能相加。</translation>
    </message>
    <message>
        <source>The adapter {0} is by {1}, which cannot be added up.</source>
        <translation>适配器 {0} 使用 {1}，不能相加。</translation>
    </message>
    <message>
        <source>The ranks of these adapters come to {0}, and {1} is the most.</source>
        <translation>这些适配器的秩合计为 {0}，最多为 {1}。</translation>
    </message>
    <message>
        <source>Add up fewer of them.</source>
        <translation>请减少适配器的数量。</translation>
    </message>
    <message>
        <source>These adapters have different base models: {0}.</source>
        <translation>这些适配器的基础模型不同：{0}。</translation>
    </message>
    <message>
        <source>Add up those of one.</source>
        <translation>请只混合同一基础模型的适配器。</translation>
    </message>
    <message>
        <source>The adapter {0} is a DoRA, which cannot be added up.</source>
        <translation>适配器 {0} 是 DoRA，不能相加。</translation>
    </message>
    <message>
        <source>The adapter {0} changes biases, which are not added up.</source>
        <translation>适配器 {0} 改变了偏置，偏置不能相加。</translation>
    </message>
    <message>
        <source>The adapter {0} has {1} trained whole, which cannot be added up.</source>
        <translation>适配器 {0} 整体训练了 {1}，不能相加。</translation>
    </message>
    <message>
        <source>The adapters are of different models: {0} has another size in each.</source>
        <translation>这些适配器属于不同的模型：{0} 的大小各不相同。</translation>
    </message>
    <message>
        <source>Add up adapters of one base.</source>
        <translation>请只混合同一基础模型的适配器。</translation>
    </message>
    <message>
        <source>holds an adapter beside the model</source>
        <translation>在模型之外还含有适配器</translation>
    </message>
    <message>
        <source>Move {0} to a folder of its own.</source>
        <translation>请把 {0} 移到单独的文件夹。</translation>
    </message>
    <message>
        <source>The tokenizer in {0} cannot be opened.</source>
        <translation>{0} 中的分词器无法打开。</translation>
    </message>
    <message>
        <source>The folder needs tokenizer.json as its maker published it; download the model again.</source>
        <translation>文件夹需要发布者提供的 tokenizer.json；请重新下载模型。</translation>
    </message>
    <message>
        <source>is already quantized</source>
        <translation>已被量化</translation>
    </message>
    <message>
        <source>Set model.quantization to none; it is loaded as it is.</source>
        <translation>请把 model.quantization 设为 none；它会按原样载入。</translation>
    </message>
    <message>
        <source>The model does not fit into the memory of {0}.</source>
        <translation>模型超出了{0}的内存。</translation>
    </message>
    <message>
        <source>Choose nf4 quantization or a smaller model, or close other programs that use the memory.</source>
        <translation>请选择 nf4 量化或更小的模型，或关闭占用内存的其他程序。</translation>
    </message>
    <message>
        <source>The weights in {0} cannot be loaded.</source>
        <translation>{0} 中的权重无法加载。</translation>
    </message>
    <message>
        <source>Download the model again.</source>
        <translation>请重新下载模型。</translation>
    </message>
    <message>
        <source>The config of {0} describes no model.</source>
        <translation>{0} 的配置没有描述任何模型。</translation>
    </message>
    <message>
        <source>config.json in {0} is not a sound {1} config.</source>
        <translation>{0} 中的 config.json 不是有效的 {1} 配置。</translation>
    </message>
    <message>
        <source>The weights in {0} do not belong to its config.json: {1}.</source>
        <translation>{0} 中的权重与其 config.json 不匹配：{1}。</translation>
    </message>
    <message>
        <source>Download the model again; its files are from different models.</source>
        <translation>请重新下载模型；其中的文件来自不同的模型。</translation>
    </message>
    <message>
        <source>`training.{0}` changes nothing: {1} does not read it.</source>
        <translation>`training.{0}` 不起作用：{1} 不读取它。</translation>
    </message>
    <message>
        <source>Leave it out, or choose an optimizer that does, such as adamw_torch.</source>
        <translation>请去掉它，或选择会读取它的优化器，例如 adamw_torch。</translation>
    </message>
    <message>
        <source>`{0}` in `training.optim_args` has a setting of its own.</source>
        <translation>`training.optim_args` 中的 `{0}` 有单独的设置项。</translation>
    </message>
    <message>
        <source>Set `training.{0}` instead.</source>
        <translation>请改为设置 `training.{0}`。</translation>
    </message>
    <message>
        <source>`{0}` in `training.optim_args` changes nothing: {1} does not read it.</source>
        <translation>`training.optim_args` 中的 `{0}` 不起作用：{1} 不读取它。</translation>
    </message>
    <message>
        <source>Take it out; options are read by sgd, adagrad, rmsprop and ademamix, among others.</source>
        <translation>请去掉它；读取选项的有 sgd、adagrad、rmsprop 和 ademamix 等。</translation>
    </message>
    <message>
        <source>`training.optim_args` cannot be read: `{0}`.</source>
        <translation>无法读取 `training.optim_args`：`{0}`。</translation>
    </message>
    <message>
        <source>Write them as key=value, key=value, such as momentum=0.9, nesterov=True.</source>
        <translation>请写成 key=value, key=value 的形式，例如 momentum=0.9, nesterov=True。</translation>
    </message>
    <message>
        <source>The optimizer `{0}` cannot be used: {1}</source>
        <translation>优化器 `{0}` 无法使用：{1}</translation>
    </message>
    <message>
        <source>Choose another `training.optim`, such as adamw_torch, adamw_8bit or adafactor.</source>
        <translation>请选择其他 `training.optim`，如 adamw_torch、adamw_8bit 或 adafactor。</translation>
    </message>
    <message>
        <source>`training.optim_args` do not fit the optimizer {0}: {1}.</source>
        <translation>`training.optim_args` 不适合优化器 {0}：{1}。</translation>
    </message>
    <message>
        <source>Correct them, or leave them empty for the optimizer&apos;s own defaults.</source>
        <translation>请更正，或留空以使用优化器自己的默认值。</translation>
    </message>
    <message>
        <source>The base itself gives no finite loss for these rows, counted from 0: {0}.</source>
        <translation>基础模型本身对这些行（从 0 计数）给不出有限的损失：{0}。</translation>
    </message>
    <message>
        <source>Set model.dtype=float32, or leave these rows out.</source>
        <translation>请设置 model.dtype=float32，或去掉这些行。</translation>
    </message>
    <message>
        <source>In the {0} data.</source>
        <translation>在 {0} 数据中。</translation>
    </message>
    <message>
        <source>The run was to end before it had answered.</source>
        <translation>训练在回答之前就要结束了。</translation>
    </message>
    <message>
        <source>`{0}` in `training.lr_scheduler_kwargs` changes nothing: {1} does not read it.</source>
        <translation>`training.lr_scheduler_kwargs` 中的 `{0}` 不起任何作用：{1} 不读取它。</translation>
    </message>
    <message>
        <source>Take it out, or choose another `training.lr_scheduler_type`.</source>
        <translation>请去掉它，或选择另一个 `training.lr_scheduler_type`。</translation>
    </message>
    <message>
        <source>`training.lr_scheduler_kwargs` set `{0}` to {1}.</source>
        <translation>`training.lr_scheduler_kwargs` 将 `{0}` 设为 {1}。</translation>
    </message>
    <message>
        <source>Choose 0 or more.</source>
        <translation>请选择 0 或更大的值。</translation>
    </message>
    <message>
        <source>`training.lr_scheduler_kwargs` lead to a learning rate of {0}.</source>
        <translation>`training.lr_scheduler_kwargs` 会得到学习率 {0}。</translation>
    </message>
    <message>
        <source>`training.lr_scheduler_kwargs` lead to learning rates of 0 only.</source>
        <translation>`training.lr_scheduler_kwargs` 只会得到为 0 的学习率。</translation>
    </message>
    <message>
        <source>Leave them empty for the schedule&apos;s own defaults.</source>
        <translation>留空即使用该调度的默认值。</translation>
    </message>
    <message>
        <source>`training.lr_scheduler_kwargs` do not fit the schedule {0}: {1}.</source>
        <translation>`training.lr_scheduler_kwargs` 与调度 {0} 不符：{1}。</translation>
    </message>
    <message>
        <source>`training.lr_scheduler_kwargs` set `last_epoch`, which is where the run stands.</source>
        <translation>`training.lr_scheduler_kwargs` 设置了 `last_epoch`，而它表示训练任务所处的位置。</translation>
    </message>
    <message>
        <source>Take it out; a resumed run knows it.</source>
        <translation>请去掉它；恢复的训练任务知道其值。</translation>
    </message>
    <message>
        <source>Only {0} of {1} tokens are read, and none is learned.</source>
        <translation>{1} 个词元中只读取 {0} 个，其中没有要学习的。</translation>
    </message>
    <message>
        <source>Shorten what stands before the answer, or raise the maximum length.</source>
        <translation>请缩短回答之前的内容，或提高最大长度。</translation>
    </message>
    <message>
        <source>{0} is computed by PEFT&apos;s own layers.</source>
        <translation>{0} 由 PEFT 自带的层计算。</translation>
    </message>
    <message>
        <source>This model does not keep rows laid end to end apart; batches are padded instead.</source>
        <translation>此模型不能隔开首尾相接的行；改为填充批次。</translation>
    </message>
    <message>
        <source>Choose another base, or bring its files back as they were.</source>
        <translation>请选择其他基础模型，或将其文件恢复原样。</translation>
    </message>
    <message>
        <source>The adapter {0} was trained on other weights than those of {1}.</source>
        <translation>适配器 {0} 训练时所用的权重与 {1} 不同。</translation>
    </message>
    <message>
        <source>Set model.path to its own base ({0}), or train a new adapter.</source>
        <translation>请将 model.path 设为其自身的基座（{0}），或训练新的适配器。</translation>
    </message>
    <message>
        <source>The adapter says that it was made for {0}, and here it goes on {1}.</source>
        <translation>该适配器称其是为 {0} 训练的，而此处用于 {1}。</translation>
    </message>
    <message>
        <source>The activations of a pass do not fit in the free memory: they are computed again in the backward pass, which is slower.</source>
        <translation>一次传递的激活值放不进空闲内存：在反向传播中重新计算，速度较慢。</translation>
    </message>
    <message>
        <source>This model cannot compute its activations again: they are kept as before.</source>
        <translation>此模型无法重新计算激活：仍像之前一样保留。</translation>
    </message>
    <message>
        <source>On a processor, layers whose biases are trained are held in float32: {0}, twice what they take in half precision.</source>
        <translation>在处理器上，训练偏置的层以 float32 保存：{0}，是半精度的两倍。</translation>
    </message>
    <message>
        <source>The weights of {0} are no longer finite.</source>
        <translation>{0} 的权重已不再是有限数。</translation>
    </message>
    <message>
        <source>Resume the run with a lower learning rate.</source>
        <translation>请用更低的学习率恢复训练。</translation>
    </message>
    <message>
        <source>{0} {1} changed since the run began.</source>
        <translation>训练开始后，{0} {1} 已被修改。</translation>
    </message>
    <message>
        <source>Put it back as it was, or start a new run.</source>
        <translation>请将其还原，或新建训练任务。</translation>
    </message>
    <message>
        <source>loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>gradient</source>
        <translation>梯度</translation>
    </message>
    <message>
        <source>The {0} of step {1} is not a finite number; nothing of it was kept.</source>
        <translation>第 {1} 步的 {0} 不是有限数；该步的结果没有保留。</translation>
    </message>
    <message>
        <source>Resume with a lower learning rate, or look at the rows of the step.</source>
        <translation>请以更低的学习率恢复，或查看这一步的行。</translation>
    </message>
    <message>
        <source>Rows of the step, counted from 0: {0}</source>
        <translation>该步的数据行（从 0 计数）：{0}</translation>
    </message>
    <message>
        <source>{0} is quantized and cannot be trained whole.</source>
        <translation>{0} 已量化，无法完整训练。</translation>
    </message>
    <message>
        <source>Take it out of modules_to_save, or set quantization to none.</source>
        <translation>请把它从 modules_to_save 中去掉，或把量化设为 none。</translation>
    </message>
    <message>
        <source>{0} is quantized, and LoRA cannot go on it.</source>
        <translation>{0} 已量化，无法添加 LoRA。</translation>
    </message>
    <message>
        <source>Leave target_parameters empty, or choose the model in full precision.</source>
        <translation>请将 target_parameters 留空，或选择全精度的模型。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template cannot be used: {0}.</source>
        <translation>模型的对话模板无法使用：{0}。</translation>
    </message>
    <message>
        <source>Name a Jinja file with data.chat_template.</source>
        <translation>请用 data.chat_template 指定 Jinja 文件。</translation>
    </message>
    <message>
        <source>A chat template is a short Jinja file.</source>
        <translation>对话模板是一个很短的 Jinja 文件。</translation>
    </message>
    <message>
        <source>The chat template {0} cannot be read: {1}.</source>
        <translation>对话模板 {0} 无法读取：{1}。</translation>
    </message>
    <message>
        <source>The chat template {0} is not UTF-8 text.</source>
        <translation>对话模板 {0} 不是 UTF-8 文本。</translation>
    </message>
    <message>
        <source>The chat template {0} is not valid{1}: {2}.</source>
        <translation>聊天模板 {0} 无效{1}：{2}。</translation>
    </message>
    <message>
        <source>Set data.chat_template to `auto`, `none` or a Jinja file.</source>
        <translation>请把 data.chat_template 设为 `auto`、`none` 或 Jinja 文件。</translation>
    </message>
    <message>
        <source>The chat template is not valid{0}: {1}.</source>
        <translation>对话模板无效{0}：{1}。</translation>
    </message>
    <message>
        <source>Go on editing, or take the model&apos;s own.</source>
        <translation>请继续修改，或使用模型自带的模板。</translation>
    </message>
    <message>
        <source>its answers are made into the same tokens</source>
        <translation>它的两个回答变成了相同的 token</translation>
    </message>
    <message>
        <source>its answers are the same up to the maximum length of {0}</source>
        <translation>它的两个回答在最大长度 {0} 之内相同</translation>
    </message>
    <message>
        <source>The run began with other versions: {0}. It may differ slightly.</source>
        <translation>训练开始时的库版本不同：{0}。结果可能略有差异。</translation>
    </message>
    <message>
        <source>The best checkpoint is damaged; the best is looked for from here on.</source>
        <translation>最佳检查点已损坏；从这里起重新寻找最佳。</translation>
    </message>
    <message>
        <source>From here on a pass has at most {0} tokens.</source>
        <translation>从这里起每次传递最多 {0} 个 token。</translation>
    </message>
    <message>
        <source>From here on activations are computed again in the backward pass.</source>
        <translation>从这里起在反向传播中重新计算激活。</translation>
    </message>
    <message>
        <source>Rows and batches stay; numbers may differ in their last bits, and dropout draws others.</source>
        <translation>行和批次不变；数值的末位可能不同，dropout 的随机结果也不同。</translation>
    </message>
    <message>
        <source>The evaluation loss of step {0} is not a finite number: it counts as no gain.</source>
        <translation>第 {0} 步的评估损失不是有限数值：视为没有改善。</translation>
    </message>
    <message>
        <source>The evaluation loss before training is not a finite number.</source>
        <translation>训练前的评估损失不是有限数。</translation>
    </message>
    <message>
        <source>The checkpoint {0} that holds the result is damaged: {1}.</source>
        <translation>保存结果的检查点 {0} 已损坏：{1}。</translation>
    </message>
    <message>
        <source>Resume the run: it goes on from the checkpoint before.</source>
        <translation>请恢复训练：它会从前一个检查点继续。</translation>
    </message>
    <message>
        <source>The two adapters are of different models: {0} has another size in each.</source>
        <translation>这两个适配器属于不同的模型：{0} 的大小不同。</translation>
    </message>
    <message>
        <source>Compare adapters of one base.</source>
        <translation>请比较同一基座模型的适配器。</translation>
    </message>
    <message>
        <source>is by {0}, and what that changes of each module is not measured</source>
        <translation>使用 {0}，它对每个模块的改变不作测量</translation>
    </message>
    <message>
        <source>uses {0}, and what that adds is not measured yet</source>
        <translation>用了 {0}，其增加的部分尚不能测量</translation>
    </message>
    <message>
        <source>holds {0} numbers, which cannot be measured</source>
        <translation>存的是 {0} 数字，无法测量</translation>
    </message>
    <message>
        <source>holds parts of {0} that do not fit each other</source>
        <translation>中 {0} 的各部分互不相符</translation>
    </message>
    <message>
        <source>adapts several parameters of {0}, and which is which cannot be told</source>
        <translation>适配了 {0} 的多个参数，无法分辨哪个是哪个</translation>
    </message>
    <message>
        <source>{0} holds values that are not numbers.</source>
        <translation>{0} 中有不是数字的值。</translation>
    </message>
    <message>
        <source>Use another copy of it, or an earlier checkpoint.</source>
        <translation>请用它的另一份副本，或较早的检查点。</translation>
    </message>
    <message>
        <source>{0} holds no adapter: there is no {1}.</source>
        <translation>{0} 中没有适配器：缺少 {1}。</translation>
    </message>
    <message>
        <source>Name the folder that PEFT wrote.</source>
        <translation>请指定由 PEFT 写出的文件夹。</translation>
    </message>
    <message>
        <source>{0} holds no {1}{2}.</source>
        <translation>{0} 中没有 {1}{2}。</translation>
    </message>
    <message>
        <source>Save the adapter as safetensors where it comes from.</source>
        <translation>请在来源处把适配器保存为 safetensors。</translation>
    </message>
    <message>
        <source>Convert it to plain {0} at its source.</source>
        <translation>请在来源处将其转换为普通的 {0}。</translation>
    </message>
    <message>
        <source>The adapter in {0} began as {1}, which changes the weights of the base it is put on.</source>
        <translation>{0} 中的适配器以 {1} 初始化，这会改变其基座模型的权重。</translation>
    </message>
    <message>
        <source>Where it was trained, save it as plain LoRA: `save_pretrained(.., path_initial_model_for_weight_conversion=..)`.</source>
        <translation>请在训练它的地方另存为普通 LoRA：`save_pretrained(.., path_initial_model_for_weight_conversion=..)`。</translation>
    </message>
    <message>
        <source>The adapter in {0} {1}.</source>
        <translation>{0} 中的适配器{1}。</translation>
    </message>
    <message>
        <source>{0} went away while it was read: {1}.</source>
        <translation>读取 {0} 时它消失了：{1}。</translation>
    </message>
    <message>
        <source>Look again; a newer one may have taken its place.</source>
        <translation>请再看一次；可能已有更新的取代了它。</translation>
    </message>
    <message>
        <source>{0} is larger than any real one.</source>
        <translation>{0} 大得不合常理。</translation>
    </message>
    <message>
        <source>Download the folder again.</source>
        <translation>请重新下载该文件夹。</translation>
    </message>
    <message>
        <source>{0} in {1} is not JSON.</source>
        <translation>{1} 中的 {0} 不是 JSON。</translation>
    </message>
    <message>
        <source>{0} in {1} holds no settings.</source>
        <translation>{1} 中的 {0} 没有设置。</translation>
    </message>
    <message>
        <source>Check the file.</source>
        <translation>请检查该文件。</translation>
    </message>
    <message>
        <source>{0} in {1} is damaged or incomplete.</source>
        <translation>{1} 中的 {0} 已损坏或不完整。</translation>
    </message>
    <message>
        <source>Download the file again.</source>
        <translation>请重新下载该文件。</translation>
    </message>
    <message>
        <source>{0} in {1} lists no weights.</source>
        <translation>{1} 中的 {0} 没有列出权重。</translation>
    </message>
    <message>
        <source>{0} names weights outside the folder or not in safetensors: {1}.</source>
        <translation>{0} 指向文件夹之外或非 safetensors 的权重：{1}。</translation>
    </message>
    <message>
        <source>Such a model is not opened; get it from its original source.</source>
        <translation>不会打开这样的模型；请从原始来源获取。</translation>
    </message>
    <message>
        <source>{0} is missing in {1}.</source>
        <translation>{1} 中缺少 {0}。</translation>
    </message>
    <message>
        <source>The download is incomplete: download it again.</source>
        <translation>下载不完整：请重新下载。</translation>
    </message>
    <message>
        <source>{0} in {1} is a link to a place outside the folder.</source>
        <translation>{1} 中的 {0} 是指向文件夹之外的链接。</translation>
    </message>
    <message>
        <source>Copy the real file there, if you trust it.</source>
        <translation>如果信任它，请把真正的文件复制到该处。</translation>
    </message>
    <message>
        <source>{0} holds GGUF weights, which are made for answering and cannot be trained.</source>
        <translation>{0} 中是 GGUF 权重，仅用于推理，不能训练。</translation>
    </message>
    <message>
        <source>Use the safetensors version of this model, usually the original it was converted from.</source>
        <translation>请使用此模型的 safetensors 版本，通常是转换前的原版。</translation>
    </message>
    <message>
        <source>{0} holds its weights as pickle files, which can run any program when opened.</source>
        <translation>{0} 的权重是 pickle 文件，打开时可能执行任意程序。</translation>
    </message>
    <message>
        <source>Use a version of this model in safetensors; most have one.</source>
        <translation>请使用此模型的 safetensors 版本；大多数模型都有。</translation>
    </message>
    <message>
        <source>{0} holds no weights (model.safetensors).</source>
        <translation>{0} 中没有权重（model.safetensors）。</translation>
    </message>
    <message>
        <source>Download the model again or name another folder.</source>
        <translation>请重新下载模型，或指定其他文件夹。</translation>
    </message>
    <message>
        <source>`{0}` on the command line is not UTF-8 text.</source>
        <translation>命令行中的 `{0}` 不是 UTF-8 文本。</translation>
    </message>
    <message>
        <source>Write it in UTF-8, or choose another name.</source>
        <translation>请用 UTF-8 书写，或换一个名称。</translation>
    </message>
    <message>
        <source>The output could not be written: {0}.</source>
        <translation>无法写出输出：{0}。</translation>
    </message>
    <message>
        <source>Free some space, or send it elsewhere.</source>
        <translation>请腾出空间，或把它输出到别处。</translation>
    </message>
    <message>
        <source>Answers that are compared stay whole: `--chunk-overlap` does not go with `{0}`.</source>
        <translation>用于比较的回答须保持完整：`--chunk-overlap` 不能与 `{0}` 同用。</translation>
    </message>
    <message>
        <source>Leave one of the two out.</source>
        <translation>请去掉其中之一。</translation>
    </message>
    <message>
        <source>There is no finding `{0}` here.</source>
        <translation>此处没有问题 `{0}`。</translation>
    </message>
    <message>
        <source>The findings are: {0}.</source>
        <translation>发现的问题有：{0}。</translation>
    </message>
    <message>
        <source>Look at its rows, and change them by `studio data edit`.</source>
        <translation>请查看相关的行，并用 `studio data edit` 修改。</translation>
    </message>
    <message>
        <source>Only a person can mend `{0}`.</source>
        <translation>`{0}` 只能由人工修正。</translation>
    </message>
    <message>
        <source>No model is named.</source>
        <translation>没有指定模型。</translation>
    </message>
    <message>
        <source>Name one, such as `demo`, or an adapter that knows its base.</source>
        <translation>请指定一个，如 `demo`，或已知其基座的适配器。</translation>
    </message>
    <message>
        <source>There is nothing to answer.</source>
        <translation>没有要回答的内容。</translation>
    </message>
    <message>
        <source>Add --prompt, --prompts or --file.</source>
        <translation>请加上 --prompt、--prompts 或 --file。</translation>
    </message>
    <message>
        <source>answer</source>
        <translation>answer</translation>
    </message>
    <message>
        <source>vote</source>
        <translation>vote</translation>
    </message>
    <message>
        <source>{0}
`studio blind {1} {2}` goes on.</source>
        <translation>{0}
用 `studio blind {1} {2}` 继续。</translation>
    </message>
    <message>
        <source>No row of {0} is a question with an answer.</source>
        <translation>{0} 中没有一行是带回答的问题。</translation>
    </message>
    <message>
        <source>Name a file of conversations, or of prompts and completions.</source>
        <translation>请指定对话文件，或提示与补全的文件。</translation>
    </message>
    <message>
        <source>Votes are typed.</source>
        <translation>投票需要键入。</translation>
    </message>
    <message>
        <source>Leave --json out; `studio blind show --json` prints them.</source>
        <translation>请去掉 --json；`studio blind show --json` 会打印它们。</translation>
    </message>
    <message>
        <source>Nothing is left to judge.</source>
        <translation>没有需要评判的了。</translation>
    </message>
    <message>
        <source>{0} is no name of a JSONL file.</source>
        <translation>{0} 不是 JSONL 文件名。</translation>
    </message>
    <message>
        <source>Let it end in .jsonl.</source>
        <translation>请以 .jsonl 结尾。</translation>
    </message>
    <message>
        <source>The rows of {0} have one answer each.</source>
        <translation>{0} 的每行只有一个回答。</translation>
    </message>
    <message>
        <source>Leave --worse out, or say which columns are `chosen` and `rejected`.</source>
        <translation>请去掉 --worse，或说明哪些列是 `chosen` 和 `rejected`。</translation>
    </message>
    <message>
        <source>`--map {0}` names no column.</source>
        <translation>`--map {0}` 没有指定列。</translation>
    </message>
    <message>
        <source>Write it as --map prompt=question.</source>
        <translation>请写成 --map prompt=question 的形式。</translation>
    </message>
    <message>
        <source>The name of the file {0} is not UTF-8 text.</source>
        <translation>文件 {0} 的名称不是 UTF-8 文本。</translation>
    </message>
    <message>
        <source>Rename it.</source>
        <translation>请重命名它。</translation>
    </message>
    <message>
        <source>Sort by `length`, or by one of: {0}.</source>
        <translation>请按 `length` 排序，或按以下之一排序：{0}。</translation>
    </message>
    <message>
        <source>The demo was stopped.</source>
        <translation>演示已停止。</translation>
    </message>
    <message>
        <source>Go on with `studio runs resume {0}`.</source>
        <translation>可用 `studio runs resume {0}` 继续。</translation>
    </message>
    <message>
        <source>Either a file is named or a run.</source>
        <translation>文件和训练任务只能指定其一。</translation>
    </message>
    <message>
        <source>Leave one of them out.</source>
        <translation>请去掉其中一个。</translation>
    </message>
    <message>
        <source>--rows takes the first rows and --sample draws them.</source>
        <translation>--rows 取最前面的行，--sample 随机抽取。</translation>
    </message>
    <message>
        <source>No row is asked for.</source>
        <translation>没有要求任何一行。</translation>
    </message>
    <message>
        <source>Ask for one at least, or for all by leaving it out.</source>
        <translation>请至少要求一行；省略则为全部。</translation>
    </message>
    <message>
        <source>--match looks at answers.</source>
        <translation>--match 检查的是回答。</translation>
    </message>
    <message>
        <source>Add --answers.</source>
        <translation>请加上 --answers。</translation>
    </message>
    <message>
        <source>Name the file, or leave them out: rows that were held back are read as the run&apos;s.</source>
        <translation>请指定文件，或去掉这些选项：留出的行按训练任务的方式读取。</translation>
    </message>
    <message>
        <source>--format, --map, --chat-template and --max-length are about a file.</source>
        <translation>--format、--map、--chat-template 和 --max-length 是针对文件的。</translation>
    </message>
    <message>
        <source>No rows are named, and no run of the adapter&apos;s is known.</source>
        <translation>没有指定任何行，也不知道适配器来自哪个训练任务。</translation>
    </message>
    <message>
        <source>Name a file, or --run.</source>
        <translation>请指定一个文件，或使用 --run。</translation>
    </message>
    <message>
        <source>Name a new file.</source>
        <translation>请指定一个新文件。</translation>
    </message>
    <message>
        <source>--json gives one answer, and there is no question.</source>
        <translation>--json 只给出一个回答，而没有问题。</translation>
    </message>
    <message>
        <source>Add --prompt.</source>
        <translation>请加上 --prompt。</translation>
    </message>
    <message>
        <source>Add --prompt, or --prompts with a file.</source>
        <translation>请加上 --prompt，或用 --prompts 指定文件。</translation>
    </message>
    <message>
        <source>These adapters have different base models.</source>
        <translation>这些适配器的基座模型不同。</translation>
    </message>
    <message>
        <source>Name one of them with --model.</source>
        <translation>请用 --model 指定其中一个。</translation>
    </message>
    <message>
        <source>The base alone has no strength.</source>
        <translation>单独的基础模型没有强度。</translation>
    </message>
    <message>
        <source>Name an --adapter.</source>
        <translation>请用 --adapter 指定适配器。</translation>
    </message>
    <message>
        <source>Give one from 0, the base itself, to {0}; 1 is as it was trained.</source>
        <translation>请给出 0（就是基础模型）到 {0} 之间的值；1 与训练时相同。</translation>
    </message>
    <message>
        <source>{0} is no strength.</source>
        <translation>{0} 不是有效的强度。</translation>
    </message>
    <message>
        <source>`studio {0} --help` shows its usage.</source>
        <translation>`studio {0} --help` 会显示用法。</translation>
    </message>
    <message>
        <source>There is no question.</source>
        <translation>没有问题。</translation>
    </message>
    <message>
        <source>Add --prompt, or pipe one in.</source>
        <translation>请加上 --prompt，或通过管道输入。</translation>
    </message>
    <message>
        <source>{0} is larger than 10 MB.</source>
        <translation>{0} 超过 10 MB。</translation>
    </message>
    <message>
        <source>Name a file with one prompt a line.</source>
        <translation>请指定每行一个提示的文件。</translation>
    </message>
    <message>
        <source>The run has no checkpoint yet.</source>
        <translation>此运行还没有检查点。</translation>
    </message>
    <message>
        <source>Ask again once it has saved one.</source>
        <translation>等它保存后再看。</translation>
    </message>
    <message>
        <source>There are those of {0}.</source>
        <translation>现有的是：{0}。</translation>
    </message>
    <message>
        <source>The run {0} has no checkpoint of step {1}.</source>
        <translation>运行 {0} 没有第 {1} 步的检查点。</translation>
    </message>
    <message>
        <source>{0} and {1} were made for different base models.</source>
        <translation>{0} 与 {1} 属于不同的基座模型。</translation>
    </message>
    <message>
        <source>The weights of {0} are stored in a form that what changed is not compared with.</source>
        <translation>{0} 的权重的存储形式无法与改变量比较。</translation>
    </message>
    <message>
        <source>Name the model in full precision as the base to see shares of it.</source>
        <translation>请以全精度的模型作为基座，以便按其大小显示改变量。</translation>
    </message>
    <message>
        <source>Without it only what the adapter says by itself is shown.</source>
        <translation>没有它，只能显示适配器本身所含的内容。</translation>
    </message>
    <message>
        <source>The base model is not known.</source>
        <translation>不知道基座模型是哪个。</translation>
    </message>
    <message>
        <source>The weights of {0} are not those that were trained on.</source>
        <translation>{0} 的权重不是训练时所用的。</translation>
    </message>
    <message>
        <source>Bring them back as they were to see shares of them.</source>
        <translation>请把它们恢复原样，以便按其大小显示改变量。</translation>
    </message>
    <message>
        <source>{0} is not on this machine, so what changed is not compared with its weights.</source>
        <translation>{0} 不在这台机器上，因此没有与其权重比较。</translation>
    </message>
    <message>
        <source>Bring it back, or open it once if it is of the hub.</source>
        <translation>请把它放回原处；若来自模型库，打开它一次即可下载。</translation>
    </message>
    <message>
        <source>The base model of {0} is not known.</source>
        <translation>{0} 的基座模型未知。</translation>
    </message>
    <message>
        <source>Name the model it was made for.</source>
        <translation>请指定它所对应的模型。</translation>
    </message>
    <message>
        <source>Use it with its own base ({0}), or add --force to see what it does here.</source>
        <translation>请配合它自己的基座（{0}）使用，或加上 --force 查看在此的效果。</translation>
    </message>
    <message>
        <source>{0} is in the library already.</source>
        <translation>{0} 已在适配器库中。</translation>
    </message>
    <message>
        <source>`studio adapters list` shows it.</source>
        <translation>`studio adapters list` 可列出它。</translation>
    </message>
    <message>
        <source>Choose it as a base, by its folder: it needs no place in the library for that.</source>
        <translation>请按文件夹把它选作基础模型：为此不必放进库中。</translation>
    </message>
    <message>
        <source>{0} is a whole model that no run of this program has made.</source>
        <translation>{0} 是完整模型，但不是由本程序的训练产生的。</translation>
    </message>
    <message>
        <source>The title is empty.</source>
        <translation>标题为空。</translation>
    </message>
    <message>
        <source>Say what the adapter is to be called.</source>
        <translation>请指定适配器的名称。</translation>
    </message>
    <message>
        <source>--gguf-type is for --to gguf.</source>
        <translation>--gguf-type 只用于 --to gguf。</translation>
    </message>
    <message>
        <source>Leave it out; others keep the base&apos;s own format.</source>
        <translation>请去掉它；其他导出保持基座模型自己的格式。</translation>
    </message>
    <message>
        <source>The corrected row is missing.</source>
        <translation>缺少改正后的行。</translation>
    </message>
    <message>
        <source>Give it with --text, or with --stdin.</source>
        <translation>请用 --text 或 --stdin 给出。</translation>
    </message>
    <message>
        <source>`{0}` names more than one row.</source>
        <translation>`{0}` 指定了不止一行。</translation>
    </message>
    <message>
        <source>Mend one row at a time.</source>
        <translation>请一次只修改一行。</translation>
    </message>
    <message>
        <source>The row cannot be used as it is now: {0}.</source>
        <translation>这一行现在还不能使用：{0}。</translation>
    </message>
    <message>
        <source>Correct it further.</source>
        <translation>请继续改正。</translation>
    </message>
    <message>
        <source>{0} is named twice.</source>
        <translation>{0} 被指定了两次。</translation>
    </message>
    <message>
        <source>Give each adapter one weight.</source>
        <translation>请给每个适配器一个权重。</translation>
    </message>
    <message>
        <source>These adapters were trained with different chat templates: {0}.</source>
        <translation>这些适配器使用了不同的聊天模板训练：{0}。</translation>
    </message>
    <message>
        <source>Add up those of one layout.</source>
        <translation>请只混合同一格式的适配器。</translation>
    </message>
    <message>
        <source>`{0}` names no weight.</source>
        <translation>`{0}` 没有给出权重。</translation>
    </message>
    <message>
        <source>Write it as NAME=0.5, with a point; at most 100.</source>
        <translation>请写成 NAME=0.5，用小数点；最多 100。</translation>
    </message>
    <message>
        <source>The adapter {0} is damaged: {1}</source>
        <translation>适配器 {0} 已损坏：{1}</translation>
    </message>
    <message>
        <source>What comes from the pipe is not UTF-8 text.</source>
        <translation>管道中的内容不是 UTF-8 文本。</translation>
    </message>
    <message>
        <source>Convert it first.</source>
        <translation>请先转换。</translation>
    </message>
    <message>
        <source>The run {0} was given no prompts to answer.</source>
        <translation>训练任务 {0} 没有要回答的提示词。</translation>
    </message>
    <message>
        <source>Start one with training.sample_prompts, or use `studio runs ask`.</source>
        <translation>请用 training.sample_prompts 开始一次训练，或使用 `studio runs ask`。</translation>
    </message>
    <message>
        <source>There are those of steps {0}.</source>
        <translation>现有步数：{0}。</translation>
    </message>
    <message>
        <source>Ask again once it trains.</source>
        <translation>请在它开始训练后再查看。</translation>
    </message>
    <message>
        <source>The run {0} has no answers{1}.</source>
        <translation>训练任务 {0} 没有回答{1}。</translation>
    </message>
    <message>
        <source>`studio runs queue {0} --now` lets it begin.</source>
        <translation>`studio runs queue {0} --now` 让它开始。</translation>
    </message>
    <message>
        <source>The run {0} waits for its turn and has learned nothing yet.</source>
        <translation>训练 {0} 正在排队，还没有学到任何东西。</translation>
    </message>
    <message>
        <source>The question is empty.</source>
        <translation>问题为空。</translation>
    </message>
    <message>
        <source>Write what is to be answered.</source>
        <translation>请写下要回答的内容。</translation>
    </message>
    <message>
        <source>Give at most {0}.</source>
        <translation>最多 {0}。</translation>
    </message>
    <message>
        <source>{0} tokens are too many.</source>
        <translation>{0} 个 token 太多了。</translation>
    </message>
    <message>
        <source>Ask something else, or ask again.</source>
        <translation>请换个问题，或再问一次。</translation>
    </message>
    <message>
        <source>Its adapter can be asked with `studio chat`; `studio runs resume` goes on with it.</source>
        <translation>可以用 `studio chat` 向它的适配器提问；`studio runs resume` 继续训练。</translation>
    </message>
    <message>
        <source>The run {0} ended before it answered.</source>
        <translation>训练 {0} 在回答之前结束了。</translation>
    </message>
    <message>
        <source>One run alone is no comparison.</source>
        <translation>只有一个运行无法比较。</translation>
    </message>
    <message>
        <source>Name two runs or more.</source>
        <translation>请指定两个或更多训练任务。</translation>
    </message>
    <message>
        <source>The run has not taken a step yet.</source>
        <translation>此训练任务还没有完成任何一步。</translation>
    </message>
    <message>
        <source>The run {0} has no record of its rows.</source>
        <translation>训练任务 {0} 没有行的记录。</translation>
    </message>
    <message>
        <source>Bring rows-0.bin back from a copy of the run, or train again.</source>
        <translation>请从训练任务的副本恢复 rows-0.bin，或重新训练。</translation>
    </message>
    <message>
        <source>{0} is not on this machine as the run read it, so what its rows say is not shown.</source>
        <translation>此机器上没有训练任务所读取的 {0}，因此不显示各行的内容。</translation>
    </message>
    <message>
        <source>Open it as data, which downloads it, then look again.</source>
        <translation>请将它作为数据打开（会下载它），然后重新查看。</translation>
    </message>
    <message>
        <source>{0} was changed since the run began, so what its rows say now is not shown.</source>
        <translation>{0} 在训练任务开始后被更改，因此不显示其各行现在的内容。</translation>
    </message>
    <message>
        <source>Bring the data back as it was, or look the rows up by their numbers.</source>
        <translation>请恢复原来的数据，或按编号查找这些行。</translation>
    </message>
    <message>
        <source>It is {0}; only a run that is going can be asked for something.</source>
        <translation>它的状态是 {0}；只有正在进行的训练任务才能接受请求。</translation>
    </message>
    <message>
        <source>The run {0} is not going.</source>
        <translation>训练任务 {0} 没有在进行。</translation>
    </message>
    <message>
        <source>{0} is no number of tokens.</source>
        <translation>{0} 不是有效的 token 数。</translation>
    </message>
    <message>
        <source>Give 1 or more, such as 256.</source>
        <translation>请给出 1 或更大的数，例如 256。</translation>
    </message>
    <message>
        <source>`studio runs stop {0}` takes it out of the queue.</source>
        <translation>用 `studio runs stop {0}` 将它移出队列。</translation>
    </message>
    <message>
        <source>The run {0} waits for its turn.</source>
        <translation>运行 {0} 正在排队等待。</translation>
    </message>
    <message>
        <source>The run {0} has no rows to evaluate and no prompts to answer.</source>
        <translation>训练任务 {0} 没有可评估的行，也没有要回答的提示词。</translation>
    </message>
    <message>
        <source>Start a run with data.eval_split or data.eval_path.</source>
        <translation>请用 data.eval_split 或 data.eval_path 启动训练任务。</translation>
    </message>
    <message>
        <source>{0} is no learning rate.</source>
        <translation>{0} 不是有效的学习率。</translation>
    </message>
    <message>
        <source>Give one above 0 and at most 10.</source>
        <translation>请提供大于 0 且不超过 10 的值。</translation>
    </message>
    <message>
        <source>The row has one answer.</source>
        <translation>该行只有一个回答。</translation>
    </message>
    <message>
        <source>Add --prompt and --answer, or --file and --row.</source>
        <translation>请添加 --prompt 和 --answer，或 --file 和 --row。</translation>
    </message>
    <message>
        <source>Either a question with its answer is needed or a row of a file.</source>
        <translation>需要一个问题及其回答，或文件中的一行。</translation>
    </message>
    <message>
        <source>A question and its answer belong together.</source>
        <translation>问题和回答必须一起给出。</translation>
    </message>
    <message>
        <source>Add both --prompt and --answer.</source>
        <translation>请同时添加 --prompt 和 --answer。</translation>
    </message>
    <message>
        <source>No row is named.</source>
        <translation>没有指定行。</translation>
    </message>
    <message>
        <source>Add --row with its number in the file, from 0.</source>
        <translation>请用 --row 指定它在文件中的编号，从 0 开始。</translation>
    </message>
    <message>
        <source>Leave them out, or name a --file.</source>
        <translation>请去掉它们，或用 --file 指定文件。</translation>
    </message>
    <message>
        <source>--row, --format, --map and --worse are about a file, and none is named.</source>
        <translation>--row、--format、--map 和 --worse 针对文件，但没有指定文件。</translation>
    </message>
    <message>
        <source>--system belongs to a typed question.</source>
        <translation>--system 只用于输入的问题。</translation>
    </message>
    <message>
        <source>A row has its own, if it has one.</source>
        <translation>行若有系统指令，会用它自己的。</translation>
    </message>
    <message>
        <source>The base alone differs from nothing.</source>
        <translation>只有基座时没有差异可比。</translation>
    </message>
    <message>
        <source>Add --adapter, or leave --by out.</source>
        <translation>请添加 --adapter，或去掉 --by。</translation>
    </message>
    <message>
        <source>Several runs cannot have one folder.</source>
        <translation>多个运行不能共用一个文件夹。</translation>
    </message>
    <message>
        <source>Leave --run-dir out.</source>
        <translation>请去掉 --run-dir。</translation>
    </message>
    <message>
        <source>`studio runs queue` shows those that wait; --again queues the others once that is mended.</source>
        <translation>`studio runs queue` 会列出正在等待的运行；问题解决后用 --again 将其余的加入队列。</translation>
    </message>
    <message>
        <source>Nothing was asked for the run.</source>
        <translation>没有对该运行提出要求。</translation>
    </message>
    <message>
        <source>Add --now, --place N, --again or --forget.</source>
        <translation>请加上 --now、--place N、--again 或 --forget。</translation>
    </message>
    <message>
        <source>`studio runs queue` shows those that wait.</source>
        <translation>`studio runs queue` 会列出正在等待的运行。</translation>
    </message>
    <message>
        <source>{0} is no place.</source>
        <translation>{0} 不是有效的位置。</translation>
    </message>
    <message>
        <source>Give 1 for the next, 2 for the one behind it ...</source>
        <translation>1 表示下一个，2 表示再下一个…</translation>
    </message>
    <message>
        <source>What comes then is of all runs.</source>
        <translation>之后的动作针对全部训练。</translation>
    </message>
    <message>
        <source>Leave the run out.</source>
        <translation>请不要指定训练。</translation>
    </message>
    <message>
        <source>Go on with it by `studio runs resume {0} --queue`.</source>
        <translation>用 `studio runs resume {0} --queue` 继续它。</translation>
    </message>
    <message>
        <source>The run {0} was not cut off.</source>
        <translation>运行 {0} 没有被中断。</translation>
    </message>
    <message>
        <source>is left as it is</source>
        <translation>保持原样</translation>
    </message>
    <message>
        <source>waits for its turn</source>
        <translation>在排队等待</translation>
    </message>
    <message>
        <source>Each file needs its share.</source>
        <translation>每个文件都需要指定比例。</translation>
    </message>
    <message>
        <source>Write FILE=SHARE, such as chats.jsonl=2.</source>
        <translation>请写成 FILE=SHARE，例如 chats.jsonl=2。</translation>
    </message>
    <message>
        <source>{0} is given more than once.</source>
        <translation>{0} 给出了不止一次。</translation>
    </message>
    <message>
        <source>Give it once, with the sum of its shares.</source>
        <translation>请只给出一次，份额为其总和。</translation>
    </message>
    <message>
        <source>`{0}` is no length of an epoch.</source>
        <translation>`{0}` 不是一轮的长度。</translation>
    </message>
    <message>
        <source>An epoch of {0} rows has none of {1}, so small is its share.</source>
        <translation>{0} 行的一轮中没有 {1} 的行，因为它的份额太小。</translation>
    </message>
    <message>
        <source>Raise its share, or make the epoch longer with --epoch.</source>
        <translation>请提高它的份额，或用 --epoch 加长一轮。</translation>
    </message>
    <message>
        <source>Give a file with a JSON list.</source>
        <translation>请提供含有 JSON 列表的文件。</translation>
    </message>
    <message>
        <source>`{0}` is given more than once.</source>
        <translation>`{0}` 给出了不止一次。</translation>
    </message>
    <message>
        <source>Give it once.</source>
        <translation>请只给出一次。</translation>
    </message>
    <message>
        <source>`{0}` is no setting.</source>
        <translation>`{0}` 不是设置。</translation>
    </message>
    <message>
        <source>Write KEY=VALUE, such as count=100.</source>
        <translation>请写成 KEY=VALUE，例如 count=100。</translation>
    </message>
    <message>
        <source>`{0}` cannot be read.</source>
        <translation>`{0}` 无法读取。</translation>
    </message>
    <message>
        <source>Quote it, or write it as JSON.</source>
        <translation>请加上引号，或写成 JSON。</translation>
    </message>
    <message>
        <source>`{0}` names no rows.</source>
        <translation>`{0}` 没有指定行。</translation>
    </message>
    <message>
        <source>Write 3, 10-20, or 1:3 for a row of another source.</source>
        <translation>请写成 3、10-20，或用 1:3 表示另一来源中的行。</translation>
    </message>
    <message>
        <source>No rows are named.</source>
        <translation>没有写出任何行。</translation>
    </message>
    <message>
        <source>The command was killed, most likely because memory ran out.</source>
        <translation>命令被终止，很可能是因为内存不足。</translation>
    </message>
    <message>
        <source>Close other programs or choose a smaller model, then try again.</source>
        <translation>请关闭其他程序或选择更小的模型，然后重试。</translation>
    </message>
    <message>
        <source>It said last: {0}</source>
        <translation>它最后输出：{0}</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>请重试。</translation>
    </message>
    <message>
        <source>The command ended unexpectedly (code {0}).</source>
        <translation>命令意外结束（代码 {0}）。</translation>
    </message>
    <message>
        <source>Python could not be started: {0}.</source>
        <translation>无法启动 Python：{0}。</translation>
    </message>
    <message>
        <source>Close each quotation mark, then set it again.</source>
        <translation>请把每个引号补全，然后重新设置。</translation>
    </message>
    <message>
        <source>The command has a quotation without an end.</source>
        <translation>命令中有未结束的引号。</translation>
    </message>
    <message>
        <source>Row {0} cannot be read.</source>
        <translation>第 {0} 行无法读取。</translation>
    </message>
    <message>
        <source>Open the version again.</source>
        <translation>请重新打开该版本。</translation>
    </message>
    <message>
        <source>A window of Finetune Studio is open already and does not answer.</source>
        <translation>Finetune Studio 的窗口已经打开，但没有响应。</translation>
    </message>
    <message>
        <source>Close it, or end its process, and start again.</source>
        <translation>请关闭该窗口或结束其进程，然后重新启动。</translation>
    </message>
</context>
<context>
    <name>data_request</name>
    <message>
        <source>The row is excluded.</source>
        <translation>该行已被排除。</translation>
    </message>
</context>
<context>
    <name>drops</name>
    <message>
        <source>{name} is no data file, config, run folder or adapter folder.</source>
        <translation>{name} 不是数据文件、配置文件、训练任务文件夹或适配器文件夹。</translation>
    </message>
    <message>
        <source>Data files</source>
        <translation>数据文件</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
    <message>
        <source>Open data file</source>
        <translation>打开数据文件</translation>
    </message>
    <message>
        <source>open {name}</source>
        <translation>打开 {name}</translation>
    </message>
    <message>
        <source>A config of {program}: {count} setting was taken over.</source>
        <translation>{program} 的配置：已采用 {count} 项设置。</translation>
    </message>
    <message>
        <source>A config of {program}: {count} settings were taken over.</source>
        <translation>{program} 的配置：已采用 {count} 项设置。</translation>
    </message>
    <message>
        <source>{count} was not.</source>
        <translation>{count} 项未采用。</translation>
    </message>
    <message>
        <source>{count} were not.</source>
        <translation>{count} 项未采用。</translation>
    </message>
    <message>
        <source>Checking the adapter {name} ...</source>
        <translation>正在检查适配器 {name}…</translation>
    </message>
    <message>
        <source>Added to the library as {name}.</source>
        <translation>已加入适配器库，名为 {name}。</translation>
    </message>
</context>
<context>
    <name>edits</name>
    <message>
        <source>remove the run {name}</source>
        <translation>移除训练任务 {name}</translation>
    </message>
    <message>
        <source>remove {name}</source>
        <translation>移除 {name}</translation>
    </message>
    <message>
        <source>change {name}</source>
        <translation>修改 {name}</translation>
    </message>
</context>
<context>
    <name>evaluation_tables</name>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>As training tells it: the mean of a learned token in nats; of two answers that of a row</source>
        <translation>与训练所报告的相同：每个学习的词元的平均值（nat）；有两个回答时为每行的平均值</translation>
    </message>
    <message>
        <source>Reward</source>
        <translation>奖励</translation>
    </message>
    <message>
        <source>By how much a good answer is likelier than under the bare base, or a bad one less likely</source>
        <translation>与原始基座相比，好的回答更可能、或坏的回答更不可能的程度</translation>
    </message>
    <message>
        <source>Reward accuracy</source>
        <translation>奖励准确率</translation>
    </message>
    <message>
        <source>In how many rows a good answer is likelier than under the bare base, or a bad one less likely</source>
        <translation>有多少行中，与原始基座相比好的回答更可能，或坏的回答更不可能</translation>
    </message>
    <message>
        <source>Preferred</source>
        <translation>偏好正确率</translation>
    </message>
    <message>
        <source>In how many rows the better answer gained on the worse one, or by ORPO and SimPO is likelier</source>
        <translation>有多少行中，较好的回答相对较差的回答变得更可能；用 ORPO 和 SimPO 时则为本身更可能</translation>
    </message>
    <message>
        <source>Likelier</source>
        <translation>更可能</translation>
    </message>
    <message>
        <source>In how many rows the better answer is likelier than the worse one</source>
        <translation>有多少行中，较好的回答比较差的回答更可能</translation>
    </message>
    <message>
        <source>Exact</source>
        <translation>完全一致</translation>
    </message>
    <message>
        <source>How many answers are the row&apos;s own, but for space around them</source>
        <translation>有多少回答与该行自己的回答一致（不计首尾空白）</translation>
    </message>
    <message>
        <source>Contains</source>
        <translation>包含</translation>
    </message>
    <message>
        <source>How many answers have the row&apos;s own within them</source>
        <translation>有多少回答中包含该行自己的回答</translation>
    </message>
    <message>
        <source>Words (F1)</source>
        <translation>词（F1）</translation>
    </message>
    <message>
        <source>How many words an answer has in common with the row&apos;s own, in any order</source>
        <translation>回答与该行自己的回答有多少词相同，不计顺序</translation>
    </message>
    <message>
        <source>ROUGE-L</source>
        <translation>ROUGE-L</translation>
    </message>
    <message>
        <source>How many words an answer has in common with the row&apos;s own, in their order</source>
        <translation>回答与该行自己的回答有多少词按顺序相同</translation>
    </message>
    <message>
        <source>JSON</source>
        <translation>JSON</translation>
    </message>
    <message>
        <source>How many answers are JSON, of the rows whose own answer is</source>
        <translation>在自己的回答为 JSON 的行中，有多少回答是 JSON</translation>
    </message>
    <message>
        <source>Same JSON</source>
        <translation>JSON 相同</translation>
    </message>
    <message>
        <source>How many answers say in JSON what the row&apos;s own says</source>
        <translation>有多少回答的 JSON 内容与该行自己的相同</translation>
    </message>
    <message>
        <source>Match</source>
        <translation>匹配</translation>
    </message>
    <message>
        <source>How many answers have what the expression asks for</source>
        <translation>有多少回答符合表达式的要求</translation>
    </message>
    <message>
        <source>In brackets where it lies with 95 %; * the best.</source>
        <translation>括号内为 95 % 置信区间；* 为最好。</translation>
    </message>
    <message>
        <source>Perplexity</source>
        <translation>困惑度</translation>
    </message>
    <message>
        <source>Among how many equally likely tokens a choice is as hard</source>
        <translation>相当于在多少个同样可能的词元中作选择</translation>
    </message>
    <message>
        <source>In how many rows this is better than the base&apos;s, in how many worse, and how likely that is by chance</source>
        <translation>有多少行优于基座、多少行劣于基座，以及纯属偶然的可能性</translation>
    </message>
    <message>
        <source>Better / worse</source>
        <translation>更好 / 更差</translation>
    </message>
    <message>
        <source>Row</source>
        <translation>行</translation>
    </message>
    <message>
        <source>Its number in its file, from 0</source>
        <translation>它在文件中的编号，从 0 开始</translation>
    </message>
    <message>
        <source>Asked</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>What stands before its last answer</source>
        <translation>最后一个回答之前的内容</translation>
    </message>
    <message>
        <source>Its own answer</source>
        <translation>自己的回答</translation>
    </message>
    <message>
        <source>Its last answer, of two the better one, or its text</source>
        <translation>它的最后一个回答（若有两个则为较好的），或其文本</translation>
    </message>
    <message>
        <source>Gained</source>
        <translation>提升</translation>
    </message>
    <message>
        <source>By how much the worst of the adapters is better than the base here</source>
        <translation>在这一行中最差的适配器比基座好多少</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>是</translation>
    </message>
    <message>
        <source>no</source>
        <translation>否</translation>
    </message>
</context>
<context>
    <name>forms</name>
    <message>
        <source>on</source>
        <translation>开</translation>
    </message>
    <message>
        <source>off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>at least {}</source>
        <translation>至少 {}</translation>
    </message>
    <message>
        <source>above {}</source>
        <translation>大于 {}</translation>
    </message>
    <message>
        <source>at most {}</source>
        <translation>至多 {}</translation>
    </message>
    <message>
        <source>below {}</source>
        <translation>小于 {}</translation>
    </message>
</context>
<context>
    <name>given</name>
    <message>
        <source>The version that the run was given is not among those that were opened here.</source>
        <translation>此训练任务所用的版本不在此处打开过的版本之中。</translation>
    </message>
    <message>
        <source>If it is still there, open it once.</source>
        <translation>如果它还在，请打开一次。</translation>
    </message>
</context>
<context>
    <name>pages</name>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Configure</source>
        <translation>配置</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Library</source>
        <translation>适配器库</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Welcome</source>
        <translation>欢迎</translation>
    </message>
</context>
<context>
    <name>tables</name>
    <message>
        <source>  (damaged)</source>
        <translation>（已损坏）</translation>
    </message>
    <message>
        <source>full</source>
        <translation>全量</translation>
    </message>
</context>
<context>
    <name>words</name>
    <message>
        <source>, </source>
        <translation>，</translation>
    </message>
    <message>
        <source>{names} and {count} more</source>
        <translation>{names}等（另有 {count} 个）</translation>
    </message>
    <message>
        <source>{title}: {text}</source>
        <translation>{title}：{text}</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Queued</source>
        <translation>排队中</translation>
    </message>
    <message>
        <source>Preparing</source>
        <translation>准备中</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Pausing</source>
        <translation>正在暂停</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Stopping</source>
        <translation>正在停止</translation>
    </message>
    <message>
        <source>Finished</source>
        <translation>已结束</translation>
    </message>
    <message>
        <source>Completed</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>Early stopped</source>
        <translation>已早停</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>Interrupted</source>
        <translation>已中断</translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation>已损坏</translation>
    </message>
    <message>
        <source>Loading</source>
        <translation>加载</translation>
    </message>
    <message>
        <source>Downloading</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Tokenizing</source>
        <translation>分词</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>读取数据</translation>
    </message>
    <message>
        <source>Counting</source>
        <translation>统计</translation>
    </message>
    <message>
        <source>Answering</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Reading a text</source>
        <translation>正在读取文本</translation>
    </message>
    <message>
        <source>Checking</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>Comparing</source>
        <translation>比对</translation>
    </message>
    <message>
        <source>Asking the base</source>
        <translation>正在询问基础模型</translation>
    </message>
    <message>
        <source>Beginning the adapter</source>
        <translation>正在准备适配器的起点</translation>
    </message>
    <message>
        <source>Evaluating</source>
        <translation>评估</translation>
    </message>
    <message>
        <source>Saving</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Finishing</source>
        <translation>收尾</translation>
    </message>
    <message>
        <source>{s} s</source>
        <translation>{s} 秒</translation>
    </message>
    <message>
        <source>{min} min {s} s</source>
        <translation>{min} 分 {s} 秒</translation>
    </message>
    <message>
        <source>{min} min</source>
        <translation>{min} 分钟</translation>
    </message>
    <message>
        <source>{h} h {min} min</source>
        <translation>{h} 小时 {min} 分</translation>
    </message>
</context>
</TS>
