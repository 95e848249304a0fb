<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>AdapterTable</name>
    <message>
        <source>Name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Base</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Eval loss</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswerColumn</name>
    <message>
        <source>Answer of {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>base</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>adapter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the answer of {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writing ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{n} tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{n} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>cut at the longest answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ended early</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No answer</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AskPanel</name>
    <message>
        <source>Choose a model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Adapters to ask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>System instruction</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Base model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Adapters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reset sampling</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No adapters yet. Train one, or add one in the Library; the base can answer alone.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The built-in model, a folder, or a Hugging Face id such as owner/model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Built-in model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Base: {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>unknown</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChatView</name>
    <message>
        <source>Conversation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>You</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} said</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ComparePage</name>
    <message>
        <source>Ask something. {keys} runs it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Question</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Highlight differences from the base</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Base model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for the helper process ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Downloading the base model ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answering ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>An answer is being written.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a base model first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A conversation is held with one: choose a single adapter.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write a question first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hear what the training changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a base and adapters on the left, write a question and run it: all answers appear here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare: run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare: stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare: new conversation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare: side by side</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare: conversation</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ConfigurePage</name>
    <message>
        <source>Start training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Form</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>YAML</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Basic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Configure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Adapter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Browse for {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The configuration as YAML</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Presets</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Count steps and tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reads the data and the model&apos;s structure, without training.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Summary</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy as YAML</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>preset {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name}: {count} settings applied.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sequences per step: {count}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Strength ({rule}): {value}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Changed from the defaults: {count}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The configuration is on the clipboard.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Counting ...</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CrashDialog</name>
    <message>
        <source>Something went wrong</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This is a defect of Finetune Studio. Runs that are going are not affected, and you can go on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DataPage</name>
    <message>
        <source>Data files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add data file...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading {name} ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shop letters (built in)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add data file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Taken for this because {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{good} of {all} rows can be used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rows ({count})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rejected ({count})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at the built-in data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a JSONL, JSON, CSV or Parquet file, or drop one anywhere on the window. Its format is found out, and every row that cannot be used is listed with its line and the reason.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is the model to learn?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other file...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train on this</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search the rows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The whole row</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As it is written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As the model reads it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rejected rows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer is being loaded ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>training data</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DatasetTable</name>
    <message>
        <source>Row</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Desk</name>
    <message>
        <source>The helper process was killed, most likely because memory ran out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close other programs or choose a smaller model, then try again: it starts by itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The helper process ended unexpectedly (code %1).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again: it starts by itself. The details show what it said last.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The helper process ended again and again, so it is not started for now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wait five minutes or start Finetune Studio again; the details show what it said last.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Draft</name>
    <message>
        <source>Choose a data file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such file.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <source>Export {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Adapter (PEFT)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Merged model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Small files for transformers, PEFT and vLLM; the base model is needed beside them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A whole model that needs no adapter, as safetensors.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Browse...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writing, reading back and comparing with the live adapter ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Verified: {count} files, {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read back and compared with the live adapter at {positions} positions: logits differ by at most {difference} (rounding allows {bound}; the adapter itself moves them by {effect}), {equal} % of the likeliest tokens are the same.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where to</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FailureCard</name>
    <message>
        <source>Details</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Field</name>
    <message>
        <source>Changed from the default</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reset {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Finder</name>
    <message>
        <source>Commands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Type a command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Find a command</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>LibraryPage</name>
    <message>
        <source>Search by name, base, data or note</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search the library</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Library</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} lies in the trash.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move the adapter to the trash</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export the adapter...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare the adapter with its base</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rename the adapter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Refresh the library</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Adapters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What you want to remember of it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Note</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show its run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare with the base</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Base</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Made</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Steps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checksum</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Every run that ends well puts its adapter here. An adapter made elsewhere can be dropped on the window: a folder with adapter_config.json and adapter_model.safetensors.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Configure a run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No adapters yet</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>LinePlot</name>
    <message>
        <source>step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>smoothed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>eval</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>&amp;File</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open data file...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open recent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open run or adapter folder...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Redo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Theme</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Language</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Switch light and dark</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train the built-in demo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Find a command...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>About Finetune Studio</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Follow the system</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Light</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dark</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The system&apos;s language</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The window speaks the chosen language when it is next opened.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No run is going</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training  {runs}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{free} GB of disk free</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open data file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open run or adapter folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Finetune Studio {version}

Fine-tunes language models with LoRA, on your own machine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>About</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A run is going</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A run is still training. What is to become of it?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It can go on by itself: the next window shows it with its whole curve.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop and save</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Notices</name>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>RejectedTable</name>
    <message>
        <source>Row</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Line</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Why it cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>RunTable</name>
    <message>
        <source>step</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>RunView</name>
    <message>
        <source>Curves</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop and save the adapter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop with a checkpoint only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>End now with a checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kill the process</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause or go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save a checkpoint now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Evaluate now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume the run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open the run folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use these settings for a new run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Progress</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Best eval loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens / s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Epoch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Peak memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Details</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loss, training and evaluation (points)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Gradient norm</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Logarithmic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Logarithmic loss axis</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Smoothing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whole curve</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The end of the run&apos;s log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the run and its libraries print (worker.log)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The run&apos;s settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings that differ from the defaults</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Starting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Step {step} of {steps}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It made no step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>adapter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>trained in</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Halve the batch in a new run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change the settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>half the batch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>activation checkpointing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The run&apos;s process is not to be found on this machine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>settings of {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Session</name>
    <message>
        <source>The run is done: the adapter {name} is in the library.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Shortcuts</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TokensView</name>
    <message>
        <source>Tokens of the row</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show spaces</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token under the pointer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>learned</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>context, not learned</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>cut: behind the maximum length</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token {n} of {all}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>id {id}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>characters {a} to {b}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>added</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>special</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The first {n} of {all} tokens are shown.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learned {n}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Context {n}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cut {n}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Special {n}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TrainPage</name>
    <message>
        <source>Runs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move the run to the trash</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The run {name} lies in the trash.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose data and a model on the Configure page and start. The curves appear here as it trains.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Configure a run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train the built-in demo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No runs yet</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>_RunDelegate</name>
    <message>
        <source>step</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>core</name>
    <message>
        <source>Balanced</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The usual choice - rank 16 on every linear layer, three passes, cosine schedule.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quick</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A first look in minutes - a small adapter and one pass over the data.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thorough</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>For a result to keep - rank 64, five slower passes, a tenth held back, ends early when that stops improving.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} cannot be read back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the disk, then start again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the row or leave it out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Base model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`demo` for the built-in model, a folder, or a Hugging Face id.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Revision</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Branch, tag or commit of a Hugging Face id.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quantization</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Holds the frozen base in 8 or 4 bits: a half or a quarter of the memory, a little slower.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Number format</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`auto`: bfloat16 where the hardware has it, else float32.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A JSONL, JSON, CSV or Parquet file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Format</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`auto` detects it from the columns; name one to override.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Evaluation data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A file of its own for evaluation, instead of a split.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Evaluation split</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The share of rows held back for evaluation, drawn by the seed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Maximum length</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rows with more tokens than this are cut at the end; the cut is counted and shown.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Packing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lays several short rows into one sequence. No row sees another.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Chat template</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`auto`: the model&apos;s own. `none`: plain text. Otherwise the path of a Jinja file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Method</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`lora` trains small matrices beside frozen weights; `full` trains every weight.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Width of the low-rank update: more can express more, and costs more memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Alpha</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Strength of the update: it is scaled by alpha / rank.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dropout</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the update&apos;s inputs zeroed in training, against overfitting.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Target modules</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`all-linear`, a list of names such as [q_proj, v_proj], or one regular expression.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Excluded modules</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Names or a regular expression to skip.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Layers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only these layers: numbers, or ranges such as `0-3,8`. Empty: all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank pattern</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ranks for module names or regular expressions that differ.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Alpha pattern</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Alphas for module names or regular expressions that differ.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fully trained modules</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Modules trained whole and saved beside LoRA.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>rsLoRA</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Scales by alpha / sqrt(rank), steadier at high ranks.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>DoRA</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learns each weight&apos;s length apart from its direction; slower.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bias</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Which bias vectors are trained too.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Initialisation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How the update starts; all start as no change at all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Objective</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`sft` learns the answers only; `pretraining` learns every token of the text.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How often every row is seen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Maximum steps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ends the run at this step; -1: by epochs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Batch size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sequences computed at once; the main use of memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>sequences</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Accumulation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Batches summed into one optimizer step: a larger batch without more memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Size of a step.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How the learning rate falls over the run.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Schedule options</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Further settings of the schedule.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Warm-up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Steps in which the learning rate rises; below 1: a share of all steps.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Any optimizer name of transformers, such as adamw_8bit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Optimizer options</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As transformers reads them: a=1,b=2.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight decay</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pull towards zero.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Gradient clipping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Largest gradient norm of a step; 0: no clipping.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Activation checkpointing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Recomputes activations: far less memory, slower.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Row order</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`random`, `group_by_length` (like lengths together) or `sequential`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Evaluate every</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Steps.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>steps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save every</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>At most this many steps are computed again after a crash.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checkpoints kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The newest ones; the best is kept besides.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep the best</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The result is the checkpoint of lowest evaluation loss.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Early stopping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ends after this many evaluations without gain; 0: never.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Least gain</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What counts as a gain in evaluation loss.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The same seed gives the same run.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the run and its adapter are called.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the named settings and start again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} uses YAML aliases.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write the repeated values out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the YAML; indentation is by spaces.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds no settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start it with `data: {path: FILE}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is larger than 1 MB.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A run&apos;s config is a short YAML file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} cannot be read: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the path of the config file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`{0}` is not an assignment.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write it as key=value.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`{0}` could mean {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write the name in full.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no setting `{0}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`{0}` must hold settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write `{0}: {...}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} has no row {1}; it has {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rows count from 0.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the row, or ask for another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} was changed while it was read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add rows, or set data.eval_split to 0.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is a folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name the data file in it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is not a file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name a data file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give a file with at least one row.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no file {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the path.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds no rows.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is in no known format; its columns are {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens; the model&apos;s context may end it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>0: always the likeliest token; 1: as trained.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Top p</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only the likeliest tokens up to this probability; 1: all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Top k</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only this many of the likeliest tokens; 0: all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Repetition penalty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Above 1: fewer repetitions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The same seed gives the same answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The request cannot be read: {0}: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start Finetune Studio again; its window and its helper process may be of different versions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`{0}` cannot be opened: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory ran out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Halve `per_device_train_batch_size` and double `gradient_accumulation_steps`: the same training in less memory. A smaller `max_length`, `activation_checkpointing` or an nf4 base save more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The run {0} is already going.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop it with `studio runs stop {0}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start it again when that is mended.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`{0}` could mean {1} adapters: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write the name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no adapter `{0}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`studio adapters list` shows them all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The adapter {0} is damaged: {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No adapter `{0}` was removed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another process is changing the adapter library.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again later.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} changed while it was copied.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add the adapter again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} has no readable {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name a folder that PEFT saved an adapter into.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only adapters saved as safetensors are taken; pickled ones (.bin) may hold code.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is of a kind that cannot be read (`{1}`).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give a file that ends in {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is not UTF-8 or UTF-16 text.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save it as UTF-8.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the path and the file&apos;s permissions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct it there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Convert it to JSONL: then only the bad rows are refused.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} has {1} MB; one JSON object can be read up to {2} MB.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write the rows as an array, [{...}, {...}], or as JSONL with one object a line: they have no such limit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds neither an array of objects nor an object with one array in it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write the rows as [{...}, {...}], or as JSONL with one object a line.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is not CSV: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save it as CSV again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The first line of {0} names the column `{1}` more than once.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give each column a name of its own.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is not a readable Parquet file: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write it again, or give JSONL.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is not a readable run folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the name or the path.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The config in {0} cannot be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It may be of another version.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another process is working on the run {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wait for it, or stop it with `studio runs stop {0}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} cannot be written: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the folder&apos;s permissions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The disk is full: {0} could not be written.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} could not be written: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the folder and its permissions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is not empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name a new folder; an interrupted run goes on with `studio runs resume`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No run was named.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`studio runs list` shows them all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`{0}` could mean {1} runs: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write more of the name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no run `{0}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is taken by now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move that away, then restore the run.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>PEFT cannot put this adapter on the model: {0}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change the adapter&apos;s settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In this model PEFT takes some of these target modules to mean the experts ({0}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose other modules, such as [q_proj, k_proj, v_proj, o_proj]; experts cannot be adapted yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>PEFT cannot load the adapter in {0}: {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export it again from its source.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Orthogonal initialisation needs even ranks.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose an even rank.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Full fine-tuning needs unquantized weights.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set quantization to none, or the method to lora.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The checkpoint {0} could not be read back: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the disk&apos;s health. Earlier checkpoints are kept; resume the run from them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The disk is nearly full: a checkpoint needs {0} GB and {1} GB are free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space and resume the run: it goes on from its last checkpoint.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None of the {0} rows has a token to learn from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`studio data tokens` shows what the model sees of a row; check the maximum length and the template.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Laying this out {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another chat template, or shorten the row.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is there already.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name a new folder; nothing is overwritten.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The export needs {0} GB and the disk has {1} GB left.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space, or name a folder on another disk.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read back from the disk, the export answers differently: its logits are off by up to {0}, and at most {1} can be rounding.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Do not use it. It was kept as {0} to look at; the adapter in the library is as it was.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The adapter {0} cannot be merged.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export it with --to peft instead.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The weights in {0} are stored quantized, and merging into those would erase most of the adapter.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name the full-precision original of this base with --base.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The base model takes {0} GB of memory in full precision; {1} GB are free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close other programs, or export on a machine with more memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It must be {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversation has {0} tokens, but this model reads at most {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shorten it, or start a new one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The adapter {0} is not loaded.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load it before it is compared.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The adapter {0} trained bias vectors, which change the base model itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare it in a model of its own.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is a file, and a model is a folder of config.json, safetensors weights and a tokenizer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A GGUF or pickle file cannot be trained: choose the model&apos;s safetensors folder or its Hugging Face id.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no folder {0}, and it is no Hugging Face id either.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name a folder, an id such as `owner/model`, or `demo` for the built-in model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is neither a folder nor in the Hugging Face cache, and offline mode is on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unset HF_HUB_OFFLINE to download it, or name a folder that holds a model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} of {1} arrived damaged.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start again: it comes anew.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} needs {1} GB and the Hugging Face cache has {2} GB left.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space, or set HF_HOME to a folder on a larger disk.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is only for those who accepted its terms.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Accept them on {0}/{1}, log in with `hf auth login`, and start again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no folder {0} and no such model on Hugging Face, or it is private.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the spelling; for a private model log in with `hf auth login`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} has no revision {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name an existing branch, tag or commit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The disk filled up while {0} was downloading.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space and start again: the download goes on where it stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hugging Face answered with error {0} for {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is not on this machine, or not all of it, and {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the connection and start again: a broken download goes on where it stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The row cannot be used: {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change the messages, or choose another chat template.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a model with a tokenizer.json file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another model, or name `eos_token` in its tokenizer_config.json.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No base model is chosen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose one, such as the built-in model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The adapter {0} was trained on other weights than those of {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose its own base ({0}), or leave this adapter out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The tokenizer in {0} cannot be opened.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The folder needs tokenizer.json as its maker published it; download the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model does not fit into the memory of {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose nf4 quantization or a smaller model, or close other programs that use the memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The weights in {0} cannot be loaded.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The config of {0} describes no model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>config.json in {0} is not a sound {1} config.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The weights in {0} do not belong to its config.json: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download the model again; its files are from different models.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model {0} {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The optimizer `{0}` cannot be used: {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another `training.optim`, such as adamw_torch, adamw_8bit or adafactor.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`training.lr_scheduler_kwargs` do not fit the schedule {0}: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave them empty for the schedule&apos;s own defaults.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The weights of {0} are no longer finite.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume the run with a lower learning rate.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} {1} changed since the run began.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Put it back as it was to resume, or start a new run.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This model does not keep packed rows apart: one row would see another.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set `data.packing` to false.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No module is left to put an adapter on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose more target modules or layers, or exclude fewer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is an expression of {1} characters.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use at most {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} {1} is not a regular expression: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct it, or name the modules in a list such as [q_proj, v_proj].</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Matching {0} {1} takes too long: its repetitions are nested.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write it without a repetition inside a repetition, or name the modules in a list.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} shares its weight with the other end of this model, and PEFT cannot train the two as one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Take it out of modules_to_save.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is quantized and cannot be trained whole.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Take it out of modules_to_save, or set quantization to none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>LoRA cannot go on {0}, which is a {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose linear layers such as [q_proj, v_proj], or all-linear.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0}: no module matches `{1}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0}The model has {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>adapter.layers_to_transform: `{0}` is no layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write such as `0-3,8`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>layers_to_transform: no chosen module is in layer {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Layers go from 0 to {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The chosen modules are in no layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} shares its weight with the other end of this model, and an adapter would change only one of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave it out of target_modules; put it in modules_to_save to train it whole.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name a Jinja file with data.chat_template.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A chat template is a short Jinja file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set data.chat_template to `auto`, `none` or a Jinja file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The run {0} is already complete.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start a new run from its config to train more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The {0} of step {1} is not a finite number; nothing of it was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume with a lower learning rate: `studio runs resume NAME --learning-rate X`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The checkpoint {0} that holds the result is damaged: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume the run: it goes on from the checkpoint before.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds no adapter: there is no {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name the folder that PEFT wrote.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds no {1}{2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save the adapter as safetensors where it comes from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The adapter in {0} {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is larger than any real one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download the folder again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} in {1} is not JSON.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} in {1} holds no settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} in {1} is damaged or incomplete.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download the file again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} in {1} lists no weights.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} names weights outside the folder or not in safetensors: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Such a model is not opened; get it from its original source.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is missing in {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The download is incomplete: download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} in {1} is a link to a place outside the folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the real file there, if you trust it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds GGUF weights, which are made for answering and cannot be trained.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use the safetensors version of this model, usually the original it was converted from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds its weights as pickle files, which can run any program when opened.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use a version of this model in safetensors; most have one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} holds no weights (model.safetensors).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download the model again or name another folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The demo was stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go on with `studio runs resume {0}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>--json gives one answer, and there is no question.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add --prompt.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is nothing to answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add --prompt, or --prompts with a file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These adapters have different base models.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name one of them with --model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model is named.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name one, such as `demo`, or an adapter that knows its base.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The question from the pipe is not UTF-8 text.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Convert it first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no question.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add --prompt, or pipe one in.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is larger than 10 MB.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name a file with one prompt a line.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The base model of {0} is not known.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name the model it was made for.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use it with its own base ({0}), or add --force to see what it does here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is in the library already.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`studio adapters list` shows it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{0} is no learning rate.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give one above 0 and at most 10.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The run {0} is not going.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is {0}; there is nothing to stop.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no setting `{0}.{1}`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Python could not be started: {0}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The details below say more.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>drops</name>
    <message>
        <source>{name} is no data file, config, run folder or adapter folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>open {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checking the adapter {name} ...</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Added to the library as {name}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>durations</name>
    <message>
        <source>{s} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{h} h {min} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{min} min {s} s</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>forms</name>
    <message>
        <source>from {number}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>to {number}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>library</name>
    <message>
        <source>remove {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>change {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>pages</name>
    <message>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Configure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Library</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>tables</name>
    <message>
        <source>  (damaged)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>words</name>
    <message>
        <source>Waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Preparing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Paused</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Finished</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Completed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Early stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Interrupted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Downloading</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokenizing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Counting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Evaluating</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Saving</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Finishing</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
