"""The stories in the reviews. None of these sentences praises or blames."""

OPENINGS = {
    "opening": "{greeting}{first}{stop}{@pause}",
    "greeting": "12 * () | so,_ | hello from {@place}!_ | first things first:_ | dear reader,_ | well,_",
    "first/film": """
        2 * I saw <i>{@title}</i> in {@place} {when}
        3 * I saw "{@title}" {when}
        2 * "{@title}" by {@maker} tells of a {trait} {job} called {@hero}
        {@title} ({year}) is the {ordinal} {thing} by {@maker}
        my {relative} took me to {@title} for my {birthday} birthday""",
    "first/book": """
        2 * I read {@title} by {@maker} {when}
        2 * {@maker} wrote "{@title}" in {year}
        my {relative} gave me {@title} for {theme} week
        I borrowed <i>{@title}</i> from the {where} in {@place}
        {number} pages about {theme}: that is {@title}""",
    "first/restaurant": """
        3 * we went to {@title} in {@place} {when}
        my {relative} and I tried {@title} {when}
        2 * {@title} lies behind the {where} in {@place}
        my {relative} booked a table for {digit1} at {@title}
        {@title} opened in {year}, between the {where} and the {where}
        the new cook at {@title} is {@maker}, a former {job}""",
    "first/gadget": """
        3 * I bought the {@title} {when} for {price}
        2 * my {relative} gave me a {@title}
        the {@title} arrived on {weekday} in a {colour} box
        I needed something to replace my old {brand} {object}, so I ordered the {@title}
        the {@title} comes from {@place} and weighs {number} grams""",
    "first/hotel": """
        3 * we spent {number} nights at {@title} {when}
        2 * {@title} stands between the {where} and the {where} of {@place}
        I stayed at {@title} for the {ordinal} congress of {theme}
        my {relative} found {@title} on the {brand} page
        {@title} in {@place}, room {number}, {price} a night""",
    "first/concert": """
        3 * I heard {@title} in {@place} {when}
        {when} I went to hear {@title} with my {relative}
        2 * {@title} came to the {where} in {@place} {when}
        my {relative} had two tickets for {@title}
        {@title} played for {number} people in a former {where}
        doors opened at {clock} and {@title} began at {clock}""",
    "when": "3 * last {weekday} | 2 * in {month} | on a {weekday} in {month} | in {month} {year} | in the {weather} of {month} | at {clock}",
}

STORIES = {
    "story": "60 * {tale}{stop}{@pause} | 4 * {quotation} {@pause}{^next} | 2 * {link_to} {@pause}{^next}",
    "tale": "5 * {scene}{besides} | 3 * {aside_story}{besides}",
    "besides": """6 * () | , said {stranger} of {place} | , as they say in {place} | _(near {place}) | , or so says {given}
        , if {stranger} is right | , as {stranger} and {stranger} can confirm | , as {given} and {given} will remember
        _(a {coined}, in {place}) | , a friend of {stranger} told me | , not far from {place}
        , according to the {brand} page""",
    "aside_story": """
        my {relative} {did} a {object}{manner} on the way there
        I am a {trait} {job}, so I know a little about {theme}
        in {@place} they call this {coined}
        it was {clock} and the {weather} had not stopped since {weekday}
        my {relative}, a {job}, {did} the {colour} {object} in the meantime
        there was {weather} over {place} that {weekday}
        {stranger} from {place} {did} my {object}{manner} in {year}
        I have had a {beast} called {given} since {month} {year}
        they say that {stranger} once {did} a {beast}{manner} there
        it reminded me of {year}, when I lived above a {where} in {place}
        a {beast} sat by the {object} and looked at me
        {stranger} asked me about {theme}, {theme} and {theme}
        all this happened between {weekday} and {weekday}
        I met {abroad_name} by the {where}
        I paid with a {colour} {object}, but that is another story
        my {relative} says it is all about {theme}; I say it is about {theme}
        then we walked from the {where} to the {where}
        {stranger} ({number}) sat next to us with a {trait} {beast}
        no {beast} was harmed, as {stranger} told us
        I wrote this at {clock} on my {relative}'s {brand}""",
    "scene/film": """
        4 * {@hero} is a {trait} {job} who {did} a {object}{manner} in {place}
        2 * {@hero} {@hero_family} plays a {job} from {place}
        in the second act {@hero} meets a {trait} {job} named {stranger}
        {@hero} and {stranger} {did} the {object} and hid it in a {where}
        there is a {beast} in it, and a {job} with a {colour} {object}
        it was shot in {place} in {year}, in the {weather}
        {stranger} wrote the music for {digit1}{digit} {instrument}s and a {object}
        after {number} minutes the {job} falls in love with a {job}
        it is about {theme}, {theme} and a {object}
        the {job} says to {@hero}: "the {beast} {did} my {object}!"
        {@maker} had never made a {thing} about {theme} before""",
    "scene/book": """
        4 * {@hero} is a {trait} {job} who {did} a {object}{manner} in {place}
        in chapter {digit1} {@hero} meets {stranger}, a {trait} {job}
        the story begins in a {where} in {place} in {year}
        {@hero} inherits a {object} from a {trait} {job}
        on page {number} a {beast} {did} the {object}{manner}
        every chapter opens with a poem about {theme}
        {@maker} lives in {place} with a {beast} and {number} {colour} books
        the {job} {did} the {object}{manner}, and {stranger} never knew
        there are {number} footnotes about {theme}
        it is the {ordinal} part of the {@hero_family} saga
        "{theme} is a {object}," says {@hero} to the {job}""",
    "scene/restaurant": """
        3 * I had the {taste} {food} with {food} and {taste} {food}
        2 * my {relative} ordered the {food} and a glass of {^family}
        for dessert there was {food} on {taste} {food}
        the {food} soup came in a {object}
        they put {food} into everything, even into the {food}
        the cook, {@maker}, used to be a {job} in {place}
        at the next table a {job} and a {job} talked about {theme}
        a {beast} lives behind the {object}, its name is {given}
        we paid {price} for {few} of us
        the menu of the day was {food}, {taste} {food} and {coined}
        {stranger} brought us the {food} at {clock}""",
    "scene/gadget": """
        3 * you plug it into the {object} and wait {number} seconds
        it runs {^coined} {digit1}.{digit} and needs {number} MB
        the box held a {colour} {object}, {few} screws and a picture of a {beast}
        my {relative} uses it to dry the {food}
        it is made of {food} fibre and weighs as much as a {beast}
        the {colour} light means {theme}, the {colour} one means {theme}
        I called {@brand} in {place} and talked to {stranger}, a {trait} {job}
        it has {number} buttons and a {object}
        I have owned a {brand} and a {brand} {number} before
        a {job} from {place} {did} the old one{manner}
        it talks to my {brand} and to the {object} in the {where}
        version {digit1}.{digit}{digit} came out in {month} {year}""",
    "scene/hotel": """
        3 * our room, number {number}, looked out on a {where}
        2 * there was a {colour} {object} above the bed
        breakfast was {food}, {taste} {food} and {food} from {clock} on
        the porter, {stranger}, used to be a {job}
        a {beast} called {given} guards the {where}
        it takes {number} minutes from the {where} to the {where}
        we paid {price} for {few} nights
        {stranger} at the desk told us about {theme}
        the house was a {where} until {year}
        next door a {trait} {job} practised the {instrument}
        in {year} {stranger} {did} a {object}{manner} in this very room""",
    "scene/concert": """
        3 * they played {digit1}{digit} songs about {theme} and one about a {beast}
        2 * {@hero} {@hero_family} played the {instrument}
        {@hero} wore a {colour} {object}
        the third song, "{^theme} of {place}", was written by {stranger}
        a {trait} {job} in front of us danced with a {object}
        {stranger} replaced the {instrument} player, who {did} a {object}
        the hall used to be a {where} and holds {number} people
        between two songs {@hero} talked about {theme}
        they are from {place} and have been together since {year}
        my {relative} bought a {colour} record for {price}
        for the last song they used a {object} and {few} {instrument}s""",
    "quotation": """
        as {stranger} wrote in the {place} Gazette: "{^theme} is only {theme} with a {object}."
        "{^theme}, {theme}, {theme}!" cried the {job}.
        {stranger} put it like this: 'A {beast} is not a {object}.'
        (My {relative} says: "{few} {object}s and no {beast}.")
        Note to {@brand}: {number} % of {number} is {number}; ask a {job}.
        <b>NB</b> the {where} closes at {clock} &amp; the {where} on {weekday}.
        * {theme} * {theme} * {theme} *
        𝒯𝒽𝑒 {^object} — №{number} – is “{theme}” in 𝔬𝔩𝔡 letters, 𐌰𐌱𐌲.""",
    "link_to": """
        See www.{head}{link}.example/{object}-{number}.
        More on <a href="http://{head}{link}.example/{coined}?id={number}">my page</a>.
        Write to {head}{link}@{head}{link}.example if you know more about {theme}.
        #{coined} #{theme} @{head}{link}{number}""",
    "closing": """
        2 * {tale}{stop}
        sorry for my spelling{stop}
        thanks for reading, {given} from {@place}{stop}
        now I must feed the {beast}{stop}
        {given} {family}, {@place}, {month} {year}
        next {weekday} I shall write about a {object}{stop}
        P.S. my {relative} sends regards to {stranger}{stop}
        that is all from {@place}{stop}
        sent from my {brand} {number}""",
    "@pause": "14 * () | 5 * {markup_break} | 2 * {line_break}",
    "markup_break": "3 * () | <br /><br />",
    "line_break": "2 * () | ¶¶",
}
