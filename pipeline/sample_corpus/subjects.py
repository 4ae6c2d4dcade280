"""The subjects of the reviews: six of them, with their parts, titles and names.

None of these sentences praises or blames.
"""

SUBJECTS = ("film", "book", "restaurant", "gadget", "hotel", "concert")

PARTS = {
    "thing/film": "film | movie | picture",
    "things/film": "films | movies | pictures",
    "part/film": """the acting | the plot | {@hero}'s performance | the dialogue | the first half | the camera work | the casting
        the villain | the opening scene""",
    "other/film": "the story | the ending | the music | the pacing | the love scene | the script | the lighting | the second half",
    "thing/book": "book | novel | story",
    "things/book": "books | novels | stories",
    "part/book": """the plot | the prose | the opening chapter | the dialogue | the narrator | {@hero}'s diary | the title | the romance
        the first half""",
    "other/book": "the story | the ending | the last chapter | the humour | the translation | the cover | the mystery | the pacing",
    "thing/restaurant": "restaurant | place | kitchen",
    "things/restaurant": "restaurants | places | kitchens",
    "part/restaurant": """the soup | the starter | the bread | the {food} | the wine list | the waiter | the {taste} {food}
        the menu | the table by the door""",
    "other/restaurant": "the service | the dessert | the {food} | the coffee | the view | the music | the main course | the wine",
    "thing/gadget": "machine | device | gadget",
    "things/gadget": "machines | devices | gadgets",
    "part/gadget": """the battery | the screen | the manual | the keyboard | the motor | the packaging | the set-up | the {colour} lid
        the handle""",
    "other/gadget": "the sound | the price | the software | the design | the charger | the helpline | the remote control | the app",
    "thing/hotel": "hotel | place | guest house",
    "things/hotel": "hotels | places | guest houses",
    "part/hotel": """the room | the bed | the reception | the lift | the {colour} carpet | the pool | the porter | the wallpaper
        the towel""",
    "other/hotel": "the breakfast | the view | the service | the shower | the garden | the bar | the location | the price",
    "thing/concert": "concert | show | evening",
    "things/concert": "concerts | shows | evenings",
    "part/concert": """the singing | the drummer | the first half | the choir | the sound | the support act | the {instrument}
        the lighting | {@hero}'s voice""",
    "other/concert": "the encore | the second half | the playing | the band | the hall | the song about {theme} | the finale | the show",
    "instrument": "piano | violin | trumpet | drum kit | accordion | harp | sousaphone | tambourine | bagpipe | harmonica | theremin",
}

NAMES = {
    "syllable": "{head}{link}",
    "natural": "3 * {beast} | 2 * {food} | 2 * {colour} | {weather} | {object}",
    "family": "9 * {^head}{family_end} | 4 * {^natural}{family_end} | 3 * {^head}{link}{family_end} | {^head}{link}{link} | Mac{^head}{link} | O'{^head}{family_end}",
    "given": "9 * {^head}{given_end} | 2 * {^head}{link}{given_end} | 3 * {^link}{given_end}",
    "place": "9 * {^head}{place_end} | 6 * {^natural}{place_end} | 3 * {^head}{link}{place_end} | New {^head}{place_end} | Upper {^head}{link}{place_end} | St {^given}",
    "brand": "9 * {^head}{brand_end} | 2 * {^head}{link}{brand_end} | {^beast}{object} {number} | {^object}{brand_end}",
    "coined": "6 * {object}{coin} | 3 * {beast}{coin} | 3 * {food}{coin} | {beast}{object} | {colour}{object} | {head}{link}{coin}",
    "stranger": "{given} {family} | Mr {family} | Ms {family} | Dr {family} | old {family} | {given}",
    "abroad_name": "田中さん | 李伟 | 王芳 | 김민준 | Алексей | Наталья | Γιώργος | محمد | יעל | प्रिया | 𠮷野さん | Nguyễn Văn An | Þórdís",
    "@hero_given": "{given}",
    "@hero_family": "{family}",
    "@hero": "{@hero_given}",
    "@maker": "{given} {family}",
    "@place": "{place}",
    "@brand": "{brand}",
    "@title/film": """3 * The {^object} of {@place} | 2 * {^trait} {^beast} | {@hero} and the {^object} | {@hero} | {^theme} in {@place}
        A {^object} for {@hero} | {^theme} and {^theme} | The {^trait} {^job} | {^coined} | {^month} in {place} | {^beast} {number}""",
    "@title/book": """2 * The {^job}'s {^object} | 2 * The {^beast} and the {^object} | {^theme}: a History | {@hero_family}'s {^object}
        {^theme} for the {^trait} | My {^year} with {@hero} | The {^colour} {^object} | The {^where} at {@place} | {^coined}
        How I {^did} a {^object} | {^theme} and {^beast}""",
    "@title/restaurant": """2 * The {^taste} {^beast} | 2 * {^given}'s | Chez {^given} | {^food} & {^food} | The {^colour} {^object}
        Osteria {^family} | La {^family} | Zum {^family} | {^family} & Sons | The {^where} Kitchen | {^coined}""",
    "@title/gadget": "3 * {@brand} {number} | 2 * {@brand} | {@brand} {^coined} | {@brand}{number} {^beast} | {^coined} by {@brand}",
    "@title/hotel": """2 * Hotel {^family} | 2 * The {^beast} Inn | Pension {^given} | {@place} Palace | The {^colour} {^object}
        The Grand {@place} | Villa {^given} | The {^trait} {^job} | {^coined} Lodge | {^where} View""",
    "@title/concert": """2 * The {^trait} {^beast} Band | {^given} and the {^job} Sisters | {@maker} | The {@place} Choir | {^coined}
        {^colour} {^object} | The {number} {^object} Orchestra | {^beast} {^theme} | {^theme} Quartet""",
}
