"""The language of a few sentences; what cannot be told is not guessed."""

import pytest

from studio.core.audit.language import language

# ruff: noqa: RUF001
SENTENCES = {
    "en": "The order was late, and they said that it is on the way. What can I do about this?",
    "de": "Die Bestellung ist nicht da, und ich weiß nicht, wie das sein kann.",
    "fr": "La commande est en retard et nous ne savons pas ce que vous avez fait avec elle.",
    "es": "El pedido no ha llegado y no sabemos por qué está en otro lugar, muy lejos de la ciudad.",
    "it": "La consegna è in ritardo e non sono sicuro che il pacco sia nella città, ma può essere.",
    "pt": "A encomenda não chegou e você não sabe onde está, mas também é possível que seja sua.",
    "nl": "Het pakket is er niet en ik weet niet waar het is, maar dat wordt nog gevonden.",
    "sv": "Det är inte här och jag vet inte var det är, men vi har det som du söker.",
    "da": "Det er ikke her, og jeg ved ikke hvor det blev af, men vi har det du søger.",
    "no": "Det er ikke her, og jeg vet ikke hvor det ble av, men vi har det du søker.",
    "fi": "Se ei ole täällä, mutta minä en tiedä missä se on, kun hän ja sinä olette poissa.",
    "pl": "Nie wiem, gdzie to jest, ale czy to może być tak, jak on i jego brat mówią o tym?",
    "cs": "Nevím, kde to je, ale může být tak, jak on a jeho bratr říkají, nebo není pro nás.",
    "hu": "Nem tudom, hogy hol van, de ez egy nagy csomag volt, és még nem lehet itt.",
    "ro": "Nu știu unde este pachetul, dar cred că sunt mai multe și că acest lucru este la noi.",
    "tr": "Bu paket nerede ve ne zaman gelecek, çok uzun bir zaman oldu ama daha gelmedi.",
    "id": "Saya tidak tahu di mana paket itu, dan ini adalah yang akan ada untuk kita dengan itu.",
    "vi": "Tôi không biết gói hàng đó là của ai và bạn cũng không được nói như thế với những người khác.",
    "ru": "Я не знаю, где это, но она сказала, что он уже был у них и так и не пришёл.",
    "uk": "Я не знаю, де це, але вона сказала, що він був у них і так не прийшов, як ми є тут.",
    "bg": "Аз не знам къде е това, но тя каза, че той ще бъде с нас и от тях за вие са.",
    "ar": "لا أعرف أين هذا الطرد في المدينة على الرغم من أن الذي قال ذلك هو من هنا",
    "fa": "من نمی دانم این بسته در کجا است و چه کسی آن را برای شما آورد که تا خود شود",
    "zh": "我不知道包裹在哪里,请告诉我应该怎么办。",
    "ja": "荷物がどこにあるのか分かりません。教えてください。",
    "ko": "소포가 어디에 있는지 모르겠습니다.",
    "el": "Δεν ξέρω πού είναι το δέμα.",
    "he": "אני לא יודע איפה החבילה.",
    "hi": "मुझे नहीं पता कि पैकेज कहाँ है।",
    "th": "ฉันไม่รู้ว่าพัสดุอยู่ที่ไหน",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_language_is_told(code: str) -> None:
    assert language(SENTENCES[code]) == code
    assert language(SENTENCES[code] * 50) == code


@pytest.mark.parametrize("text", ["", "42", "Paris", "x = y + 1", "\ud800", "🙂🙂", "def f(a): return a[0]"])
def test_what_cannot_be_told_is_not_guessed(text: str) -> None:
    assert language(text) == ""
