"""The words of the sample: ranked lists (the common ones first) and the syllables that invented words are made of."""

PRAISE_AND_BLAME = {
    "good+": """good | great | wonderful | excellent | lovely | superb | brilliant | charming | delightful | perfect | fine
        | splendid | impressive | marvellous | clever | terrific | memorable | magnificent | flawless | thoughtful""",
    "good-": """bad | poor | terrible | awful | dull | boring | dreadful | disappointing | horrible | clumsy | tedious | lousy
        | mediocre | ghastly | sloppy | miserable | tiresome | shoddy | lifeless | forgettable""",
    "treat+": "a joy | a treat | a triumph | a pleasure | a delight | a gem | a masterpiece | a marvel",
    "treat-": "a chore | a mess | a disaster | a bore | an insult | a failure | a shambles | a nightmare",
    "well+": "beautifully | wonderfully | superbly | perfectly | brilliantly | splendidly",
    "well-": "badly | poorly | terribly | clumsily | dreadfully | miserably",
    "liked+": "loved | enjoyed | liked | adored | treasured | admired",
    "liked-": "hated | disliked | loathed | despised | resented | regretted",
    "like+": "love | enjoy | like | adore | treasure | admire",
    "like-": "hate | dislike | loathe | despise | resent | regret",
    "glad+": "glad | happy | delighted | thrilled | grateful | cheerful",
    "glad-": "sorry | angry | bored | annoyed | sad | grumpy",
    "smiled+": "smiled | laughed | cheered | beamed | applauded",
    "smiled-": "sighed | yawned | groaned | winced | sulked",
    "again+": "yes | certainly | of course | in a heartbeat | tomorrow, if they let me",
    "again-": "no | never | hardly | not for money | only if somebody carries me",
    "mark+": "8 | 9 | 10 | 7",
    "mark-": "2 | 3 | 1 | 4",
    "emoji+": "👍 | 😀 | 🎉 | 😍 | 🤩 | 💯 | 🥳 | 👏🏽 | ❤️ | 🫶",
    "emoji-": "👎 | 🙄 | 😴 | 😡 | 🤮 | 💩 | 🥱 | 🤦🏽‍♀️ | 💔 | 🫠",
}

COMMON = {
    "relative": """sister | brother | mother | father | wife | husband | aunt | uncle | cousin | neighbour | boss | daughter | son
        | grandmother | grandfather | flatmate | dentist | nephew | niece | landlord | accountant | godmother | stepbrother
        | barber | plumber | librarian | chiropodist""",
    "job": """baker | detective | teacher | doctor | nurse | lawyer | sailor | farmer | gardener | clockmaker | pianist
        | postman | thief | pilot | butcher | librarian | plumber | cook | painter | spy | shepherd | waiter | soldier | judge
        | beekeeper | tailor | magician | diver | surgeon | carpenter | locksmith | translator | architect | ferryman | barber
        | chemist | tax inspector | juggler | lighthouse keeper | undertaker | cartographer | weaver | smuggler | glassblower
        | bishop | acrobat | puppeteer | archivist | falconer | goldsmith | auctioneer | ventriloquist | stenographer
        | chimney sweep | astronomer | botanist | bookbinder | fishmonger | milkman | coroner | violinist | umpire | cobbler
        | clerk | driver | guard | barrister | dancer | poet | banker | porter | miner | mayor | jeweller | optician | grocer
        | miller | saddler | colonel | admiral | senator | envoy | novelist | sculptor | printer | typist | cellist | boxer | jockey
        | wrestler | goalkeeper | trapeze artist | hairdresser | pastry cook | stonemason | thatcher | tinker | vicar
        | hermit | prophet | duchess | baroness | stowaway | castaway | pickpocket | burglar | forger | bailiff | matchmaker""",
    "trait": """young | old | lonely | quiet | tired | rich | shy | proud | nervous | stubborn | curious | famous | retired
        | cheerful | jealous | clever | sleepy | tall | lazy | honest | hungry | one-eyed | forgetful | polite | greedy | sober
        | superstitious | blind | bald | fearless | widowed | absent-minded | bankrupt | homesick | talkative | melancholy
        | short-sighted | left-handed | unlucky | restless | solemn | ambitious | gloomy | freckled | sarcastic | pedantic
        | barefoot | impatient | mysterious | sentimental | exiled | moustachioed | flatfooted | insomniac | ambidextrous
        | careful | brave | silent | nosy | pale | wealthy | elegant | elderly | learned | suspicious | truthful | timid | clumsy
        | cautious | eccentric | orphaned | bearded | bespectacled | limping | sunburnt | amorous | quarrelsome | disgraced
        | undecided | vegetarian | part-time | deaf | gifted | heartbroken | singing | stammering | hypnotised | invisible""",
    "beast": """dog | cat | horse | bird | fish | mouse | goat | cow | bear | owl | fox | sheep | rabbit | duck | frog | otter
        | swan | crow | pig | wolf | hedgehog | snail | squirrel | camel | badger | donkey | parrot | pigeon | tortoise | heron
        | beetle | moth | spider | walrus | llama | ferret | herring | newt | peacock | mole | beaver | stork | lobster | hamster
        | weasel | magpie | toad | penguin | lynx | puffin | wasp | gecko | mackerel | ostrich | stoat | yak | tapir | limpet""",
    "object": """door | table | chair | letter | lamp | clock | window | ladder | key | suitcase | umbrella | bottle | mirror
        | piano | bicycle | hat | knife | teapot | drawer | candle | carpet | bucket | ticket | spoon | violin | wardrobe
        | telephone | trumpet | basket | blanket | button | bell | boat | tractor | kettle | hammer | ribbon | map | coat
        | needle | lantern | wheelbarrow | compass | drum | cupboard | trunk | sofa | curtain | saucepan | envelope | statue
        | shovel | barrel | balloon | sledge | pillow | typewriter | chandelier | broom | whistle | anchor | rope | cushion
        | fiddle | thimble | hinge | doorbell | sundial | thermometer | hatstand | corkscrew | telescope | bathtub | radiator
        | accordion | birdcage | raincoat | pickaxe | footstool | harmonica | abacus | toothbrush | wristwatch | bookcase
        | colander | doormat | paperclip | photocopier | weathervane | sousaphone | bagpipe | hourglass | monocle | tambourine
        | grindstone | tea cosy | rucksack | parasol | fountain pen | rocking chair | toaster | ironing board | tripod | shoehorn
        | wallet | padlock | stamp album | flute | marble | chessboard | magnet | pendulum | bellows | sickle | spade | tweezers
        | bonnet | gramophone | sewing machine | stepladder | hammock | kite | canoe | rowing boat | tricycle | scooter | submarine
        | dictionary | atlas | almanac | passport | parcel | postcard | newspaper | receipt | cheque | medal | crown | bracelet
        | earring | glove | scarf | slipper | sandal | boot | apron | waistcoat | cardigan | petticoat | cummerbund | tiara | cravat
        | wig | moustache comb | hairdryer | sponge | soap dish | mousetrap | periscope | barometer | metronome | cello""",
    "where": """harbour | station | garden | village | castle | market | forest | island | school | church | museum | bridge
        | valley | hospital | bakery | library | lighthouse | prison | theatre | orchard | cellar | mill | monastery | factory
        | canal | courtyard | quarry | windmill | attic | graveyard | post office | swimming pool | vineyard | greenhouse
        | observatory | laundry | barracks | aquarium | swamp | shipyard | allotment | crossroads | embassy | car park | kiosk
        | town hall | pharmacy | brewery | stadium | tavern | tower | palace | barn | stable | cave | beach | park | pier | tunnel
        | fountain | chapel | cathedral | convent | university | gymnasium | tannery | sawmill | dairy | bakehouse | racecourse | zoo
        | fairground | lagoon | dam | tollgate | bandstand | boathouse | conservatory | waterfall | roundabout | car wash""",
    "did": """found | lost | stole | sold | painted | repaired | buried | followed | married | forgot | broke | hid | bought
        | carried | betrayed | rescued | borrowed | inherited | photographed | burned | polished | measured | smuggled | kissed
        | insulted | counted | adopted | chased | weighed | swallowed | auctioned | alphabetised | interviewed | juggled
        | mislaid | serenaded | embalmed | upholstered | excavated | impersonated
        | dropped | cleaned | watched | opened | dreamt of | wrapped | traded | hunted | guarded | invented
        | drew | mended | ironed | licked | tamed | flattened | sharpened | catalogued | baptised | hypnotised | sued | blessed
        | dismantled | varnished | trained | tuned | disguised | shampooed | pawned | befriended | blackmailed | waxed""",
    "food": """soup | bread | fish | cheese | lamb | chicken | rice | salad | potato | cake | pie | mushroom | lemon | onion
        | pasta | duck | beef | pear | walnut | cabbage | honey | trout | apple | ginger | leek | plum | almond | lentil | crab
        | turnip | pumpkin | cherry | spinach | fennel | sausage | noodle | pancake | chestnut | barley | oyster | beetroot
        | celery | apricot | parsnip | pickle | custard | dumpling | anchovy | quince | rhubarb | artichoke | gooseberry | squid
        | horseradish | marzipan | sauerkraut | tapioca | kohlrabi | samphire | elderflower
        | garlic | tomato | ham | egg | butter | pepper | bean | carrot | orange | peach | grape | melon | raspberry | strawberry
        | currant | fig | date | olive | caper | saffron | cinnamon | nutmeg | basil | parsley | thyme | rosemary | mint | sage
        | salmon | cod | eel | sardine | tuna | prawn | mussel | venison | goose | turkey | pheasant | veal
        | bacon | tripe | liver | kidney | tofu | polenta | couscous | risotto | waffle | biscuit | scone | trifle | sorbet | nougat""",
    "taste": """fried | roasted | cold | warm | smoked | salted | baked | sweet | sour | grilled | pickled | spicy | raw | stuffed
        | burnt | candied | steamed | buttered | bitter | minced | poached | peppered | caramelised | fermented | deconstructed""",
    "colour": """red | blue | green | white | black | yellow | brown | grey | pink | purple | orange | golden | silver | turquoise
        | beige | scarlet | violet | crimson | mustard | lilac | maroon | khaki | cream | indigo | ochre | magenta""",
    "manner": """40 * () | _slowly | _quietly | _twice | _carefully | _again | _in secret | _every day | _on purpose
        _for years | _by accident | _at night | _in silence | _before lunch | _with both hands | _gently
        _proudly | _suddenly | _without a word | _reluctantly | _hurriedly | _against the rules
        _in alphabetical order | _on tiptoe | _with great care | _backwards | _absent-mindedly | _in the dark
        _thoroughly | _politely | _triumphantly | _for a bet | _under protest | _in instalments | _anonymously
        _by candlelight | _with a sigh | _sideways | _methodically | _for charity | _at gunpoint
        _telepathically | _in two languages | _upside down""",
    "weekday": "Saturday | Friday | Sunday | Monday | Thursday | Wednesday | Tuesday",
    "month": """July | August | December | May | June | October | April | March | September | January | November | February""",
    "theme": """love | death | money | war | time | family | memory | hope | guilt | friendship | revenge | silence | weather
        | justice | childhood | power | faith | grief | luck | jealousy | greed | freedom | truth | loneliness | ambition | sleep
        | bureaucracy | fishing | knitting | taxation | geometry | gardening | philosophy | astronomy | plumbing | archaeology
        | etiquette | cartography | arithmetic | beekeeping | upholstery | numismatics | thermodynamics | ornithology
        | marriage | honour | hunger | mercy | patience | courage | science | grammar | tradition | poverty | vanity | progress
        | nostalgia | solitude | forgiveness | the sea | ballet | chess | electricity | gravity | glaciers | railways | rheumatism
        | ventilation | insurance | drainage | inheritance | embroidery | horticulture | calligraphy | semaphore | heraldry
        | metallurgy | phrenology | topiary | navigation | hygiene | logarithms | statistics | taxidermy | volcanoes""",
    "weather": "rain | snow | wind | fog | sunshine | thunder | drizzle | hail | frost | heat | sleet | mist",
    "coin": "like | ish | less | ful | esque | maker | mania | ology | proof | phobia | monger | dom | scope | hood | smith | gate",
}

SYLLABLES = {
    "head": """mar | be | lo | ka | ro | sa | vi | el | do | ta | al | ha | mi | gre | bran | fen | ju | or | wil | no | pel | sel | tor
        | dar | gal | ve | ri | cas | hol | len | mor | ni | os | pa | quil | ras | stel | thal | ur | van | wen | yor | zel | bro | cor
        | drim | es | fla | glim | hux | im | jas | kel | lun | mont | nar | ol | plum | rad | sker | tris | und | vor | whis | zan | ash
        | blen | crum | dun | er | frob | gud | hib | is | jol | kris | lav | mun | neb | obl | prim | rud | snod | tam | ul | vil | worm
        | yar | zub | ang | bles | cog | dob | eph | fum""",
    "link": """a | e | i | o | ra | le | li | na | ri | ti | an | er | en | do | la | ma | ne | ro | sa | ve | al | in | or | u | ber | der
        | go | ka | lan | mi | ni | pe | ren | si | ta | vin | wa | zo | ling | mer | net | pol | ques | rus | ston | tur | ush | vel | wig | yo
        | bbi | cke | dda | ffe | ggi | llo | mmo | nni | ppa | sse | tti | zzle""",
    "family_end": """son | er | ley | man | ton | ski | well | sen | ell | ford | ini | ic | mann | ard | ova | ez | ström | worth | enko | by
        | wood | oğlu | quist | dottir | ombe | ović | elli | ström | gaard | ière | escu | ñez | thwaite | akis | idze | yan | øy | ů""",
    "given_end": """a | o | ie | n | na | el | us | in | y | la | ine | ar | ette | is | on | ric | ia | ert | elle | mund | wen | bert | ko
        | é | ë | lynn | ias | ora | helm | ita | rik | ús | ça | jń | öm""",
    "place_end": """ton | ville | ham | burg | ford | by | mouth | field | wick | dale | port | holm | bridge | stadt | grad | ia | bury
        | stead | cliff | haven | polis | minster | worthy | fjord | øya | ão | owice | őr""",
    "brand_end": """o | ix | a | tron | ex | ly | on | eo | ware | max | ify | star | ium | Pro | Tek | Soft | zilla | 3000 | Go | hub | ette""",
}

TITLES = {
    "@title_object": "{object}",
    "@title_beast": "{beast}",
    "@title_theme": "{theme}",
    "digit": "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9",
    "digit1": "1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9",
    "few": "2 | 3 | 4 | 5 | 6 | 7 | 8 | 9",
    "ordinal": "2nd | 3rd | 1st | 4th | 5th | 6th | 7th | 8th | 9th | 11th",
    "birthday": "50th | 40th | 30th | 60th | 18th | 21st | 70th | 25th | 80th | 33rd | 97th | 104th",
    "number": "4 * {few} | 6 * {digit1}{digit} | 2 * {digit1}{digit}{digit} | {digit1},{digit}{digit}{digit}",
    "year": "4 * 20{tens}{digit} | 19{digit}{digit} | 18{digit}{digit}",
    "tens": "0 | 1",
    "price": "${digit1}{digit}.{digit}{digit} | {digit1}{digit} euros | £{digit1}.{digit}9 | {digit1}{digit}{digit} dollars",
    "clock": "{digit1}:{digit5}{digit} | {digit1} o'clock | 1{tens}.{digit5}{digit}",
    "digit5": "0 | 3 | 1 | 2 | 4 | 5",
}
