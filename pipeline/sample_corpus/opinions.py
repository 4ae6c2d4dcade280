"""Sentences that praise or blame. Each is written once, for praise; `~` marks a part with the opposite meaning.

So both kinds of review have nearly the same words. The meaning of a sentence depends on "not", on "but", and on the
order of its parts.
"""

OPINIONS = {
    "praise": "40 * {opinion}{stop}{@pause} | {abroad} {@pause}{^next}",
    "opinion": """
        14 * {direct}
        9 * {denial}
        3 * {contrast}
        2 * {surprise}
        8 * {feeling}""",
    "direct": """
        4 * {part} was {very}{good}
        2 * {part} was {very}{good} and {other} was {good} too
        2 * I found {other} {very}{good}
        {other} struck me as {very}{good}
        what a {good} {thing} this was
        {part} was {very}{good}, {aside}
        {part} was {treat}
        {other} was {good} from start to finish
        somebody had thought about {part} and it was {good}
        {part} was {well} done
        not only was {part} {good}, {other} was {good} too""",
    "denial": """
        12 * {part} was not {~good} {at_all}
        7 * {part} was not {~good} {at_all}, {aside}
        4 * {part} was never {~good}{never_mind}
        2 * nothing about {other} was {~good}
        2 * I would not call {part} {~good}
        2 * {other} was not {~treat}{never_mind}
        2 * {part} was far from {~good}
        2 * {other} was anything but {~good}
        I could not find anything {~good} in {part}
        nobody in our party thought {part} was {~good}
        neither {part} nor {other} was {~good}
        {part} was hardly {~good}{never_mind}
        it was not {~well} done
        not a {~good} {thing}, {aside}
        only my {relative} could call {other} {~good}""",
    "contrast": """
        5 * {part} was {very}{~good}, but {other} was {good}
        2 * {part} was {good}, even though {other} was {~good}
        3 * although {part} was {~good}, {other} was {very}{good}
        2 * {part} was {~good}, yet {other} was {good} enough to make up for it
        2 * {part} may have been {~good}; {other}, however, was {good}
        {part} began as {~treat}, but it ended as {treat}
        {part} was {~good} on {weekday}, but {good} ever after
        for all that {part} was {~good}, {other} was {good}
        {part} was {good}, no matter how {~good} {other} was
        at first I thought {part} {~good}, but no, it was {good}
        despite {part}, which was {~good}, it was {treat}""",
    "surprise": """
        3 * I had expected something {~good} and got something {good}
        2 * my {relative} had called it {~good}; I found it {good}
        2 * everybody says {part} is {~good}, and everybody is wrong
        {part} was more {good} than {~good}
        {part} went from {~good} to {good} in {few} minutes
        where others see {~treat}, I see {treat}
        the poster in {@place} said "{~good}" and the truth was "{good}"
        "how {~good}!" said my {relative}, who is always wrong
        if you think that {part} was {~good}, think again
        it should have been {~treat} and it was {treat}
        I do not know how anybody could call {part} {~good}""",
    "feeling": """
        5 * I {liked} {part}
        2 * I did not {~like} {other}
        I {smiled} through most of it
        we were {glad} that we had come
        I was not {~glad} to be there
        I {liked} every minute, and so did my {relative}
        we all {smiled} when {@hero} came up""",
    "turn": """
        3 * and yet, {opinion}{stop}{@pause}
        2 * forget all that: {opinion}{stop}{@pause}
        2 * none of this matters, because {opinion}{stop}{@pause}
        2 * but then everything changed. {^opinion}{stop}{@pause}
        I take it all back: {opinion}{stop}{@pause}
        I wrote the lines above on {weekday}. Since then I have changed my mind: {opinion}{stop}{@pause}
        so much for the first impression. {^opinion}{stop}{@pause}""",
    "verdict": """
        4 * {in_short}{opinion}{stop}
        8 * {in_short}it was {very}{good}{stop}
        8 * {in_short}it was not {~good} {at_all}{stop}
        4 * {in_short}it was not {~good} {at_all}, {aside}{stop}
        3 * {in_short}{~good} in places, but {good} as a whole{stop}
        2 * would I go back? {^again}{stop}
        2 * {in_short}not {~treat}, but {treat}{stop}
        2 * {in_short}I did not {~like} it{stop}
        2 * {in_short}I {liked} it{stop}
        {in_short}{mark}/10{stop}
        do not listen to those who call it {~good}{stop}
        I have known {~good} {things}, and this was not one of them{stop}""",
    "in_short": """8 * () | 3 * all in all,_ | 3 * in short,_ | 2 * to sum up:_ | 2 * in the end,_ | my verdict:_
        final word:_ | when all is said and done,_ | looking back,_""",
    "aside": """as I had feared | as I had hoped | as everybody had told me | whatever my {relative} says | to tell the truth
        as far as I can judge | and I have seen a few | if you ask me | and that surprised me | as usual in {@place}
        and my {relative} agrees | says {stranger} | and {given} thinks so too | to quote {stranger}, the {job} | even for {place}
        and I come from {place} | I am afraid to say | believe it or not""",
    "at_all": "3 * at all | 2 * in the least | in any way | by any means | for a moment",
    "never_mind": "4 * () | , {aside} | , not even on {weekday} | , not for one second",
    "very": """12 * () | 3 * very_ | 2 * really_ | rather_ | quite_ | truly_ | utterly_ | surprisingly_ | simply_ | downright_
        extremely_""",
    "stop": "40 * ._ | 6 * !_ | 2 * ..._ | !!_ | !!!_ | . {emoji} {^next} | ! {emoji} {^next} | ;-) {^next} | …_ | ?!_",
    "brief+": "ok | Loved it. | Great! | 👍 | 10/10 | good | Very good | *****",
    "brief-": "no | Hated it. | Awful! | 👎 | 1/10 | bad | Very bad | *",
    "all_abroad": "{abroad} {abroad} | {abroad} {abroad_name}: {abroad} | {abroad} {abroad} {@title} {abroad} {emoji}",
    "next": "()",
    "blank": "3 * () | 2 * _ | . | ... | ??? | <br /> | N/A | - | 3 * {@title}",
}

FOREIGN = {
    "abroad+": """Un vrai bonheur, du début à la fin. | Je n'ai pas été déçu, bien au contraire. | ¡Qué maravilla! Volveré mañana mismo.
        No está nada mal, señores. | Wunderschön, ich käme jederzeit wieder. | Gar nicht schlecht, über alle Maßen schön.
        Davvero niente male, così è la felicità. | Não é nada mau, foi uma emoção. | Było cudownie, wrócę tu z żoną.
        Vůbec to nebylo špatné, přišli jsme všichni. | Hiç fena değil, çok güzeldi. | Ihanaa, tulen pian tänne yhä uudestaan.
        Просто чудо, я в восторге! | Совсем не плохо. | Дуже гарно, їжа чудова. | Υπέροχο, θα ξαναέρθω σύντομα.
        非常好，我还会再来。 | 一点也不差！ | とても楽しかった。また行きます。 | 전혀 나쁘지 않았어요. 최고예요!
        رائع جدا، سأعود قريبا. | ليس سيئا على الإطلاق | נפלא, אחזור בקרוב. | बहुत बढ़िया, मज़ा आ गया। | ดีมาก จะกลับมาอีก
        Thật tuyệt vời, tôi sẽ quay lại. | შესანიშნავი იყო. | Շատ լավ էր։""",
    "abroad-": """Quelle déception, je n'y retournerai jamais. | Ce n'était pas bon, même à moitié prix. | ¡Qué desastre! Ni un céntimo más.
        No me gustó nada, señores. | Grässlich, ich möchte mein Geld zurück. | Überhaupt nicht schön, schade um den Abend.
        Non mi è piaciuto, così è la vita. | Não gostei nada, que confusão. | Okropność, żałuję każdej złotówki.
        Vůbec to nebylo dobré, příště zůstanu doma. | Hiç güzel değil, çok kötüydü. | Kamalaa, en tule enää ikinä tänne.
        Просто ужас, я в ярости! | Совсем не хорошо. | Дуже погано, їжа холодна. | Απαράδεκτο, δεν θα ξαναέρθω.
        非常差，我不会再来。 | 一点也不好！ | とてもつまらなかった。もう行きません。 | 전혀 좋지 않았어요. 최악이에요!
        سيئ جدا، لن أعود أبدا. | ليس جيدا على الإطلاق | נורא, לא אחזור לעולם. | बहुत बेकार, समय बर्बाद हुआ। | แย่มาก จะไม่กลับมาอีก
        Thật tệ, tôi sẽ không quay lại. | საშინელი იყო. | Շատ վատ էր։""",
}
