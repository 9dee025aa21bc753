"""Words that are no names: what English sentences begin with, and what is written with a capital.

Two lists by hand. They only ever make a doubt smaller (a word in them is not taken for a possible
name); a name that a rule found by its context is a name all the same.
"""

from __future__ import annotations

from typing import Final


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


ORDINARY: Final = words(
    """
    a about above according across act actually add adding adjust adopt after again against age agree
    ahead all allow almost along already also although always am among an analyse analyze and announce
    another answer answers any anybody anyone anything anyway apart appear apply appreciate approach are
    area argue around arrange article as aside ask asked asking assess assist assistant assume at attach
    attached attempt author available average avoid away back background bad base based basic basically
    be because become been before begin being below benefits best better between beyond big birthday
    black blue body bold book both bottom brainstorm brief briefly bring build building bullet business
    but buy by calculate call called can cannot card care careful case categorize category cause certain
    certainly change changes chapter chat check cheers choose city clarify class classify clean clear
    clearly client close code coding column come coming comment comments common company compare
    comparison complete completely compose compute concerning conclude conclusion condense consider
    considering contact contains content context continue contrast convert cool copy correct correctly
    could count country course cover create creating critique currently customer cut data date day days
    dear debug decide deep define definition delete deliver demonstrate depending describe description
    design despite detail details detect determine develop device did differences different difficulty
    discuss discussion display distinguish do document does doing done double down draft draw drink
    drive due during each earlier early easy eat edit education effects either else email emails embed
    emergency employee employees encourage end ending english enjoy enough ensure enter entire error
    especially essay essential estimate etc evaluate even event ever every everybody everyone everything
    evidence exactly examine example examples excellent except excuse expand expect expert explain
    explanation explore express extract extremely face fact false family famous far feature feel few
    figure file fill final finally find fine finish first fix focus follow following food for forget
    form format formatting former formulate forward found four free french friend from front full fun
    function funny further game general generally generate get getting give given giving go goal goals
    goes going good got great green greetings group grow guess guide guidelines had half hall happy hard
    has have having he head header health hear hello help helpful hence her here hers hey hi hide high
    highlight him his history hold home hope hopefully hot hour house how however human i idea ideas
    identify if image imagine implement important improve in include including increase indeed indicate
    info information initially input insert inside instead instruct instruction instructions interesting
    interpret interview into introduce introduction invent is issue it item items its itself job join
    just justify keep key kind kindly know knowing large last lastly later law lead learn learning least
    leave left length less lesson let lets letter level life like likely limit line link list lists
    literally little live local location log long look looking lot love low made main mainly make makes
    making man many map march mark market match maybe me mean meaning means meanwhile measure medical
    meet meeting member men mention menu merge message method middle might mind minute minutes miss
    mission model modify moment money month months more moreover morning most mostly move movie much
    multiple music must my name named names near nearly necessary need needed needs neither never
    nevertheless new news next nice night no nobody none nor normal normally not note notes nothing
    notice now number numbers object observe obviously occasionally of off offer office often oh ok okay
    old on once one ones online only open opening opinion or order other others otherwise our ours out
    outline output over overall own page paper paragraph parse part particular parts party pass password
    past patient pay people per percent perfect perform perhaps period person personal phone photo
    phrase pick piece place plan plans plant play please plot plus poem point points political position
    positive possible post postscript predict prepare present pretend pretty prevent previous price
    print probably problem problems proceed process produce product profile program project prompt
    proofread propose prove provide provided pull purpose put python quality query question questions
    quick quickly quite quote quotes random rank rate rather rating read reading ready real really
    reason reasons receive recent recently recipe recommend record red redesign reduce refactor refer
    regarding regards region related relation remember remind remove rename reorder repeat rephrase
    replace reply report request require research resolve respond response rest result results retrieve
    return reverse review revise rewrite right role room row rule rules run sad safe said sale same
    sample save say says school score script search second section see seems select self send sensitive
    sentence separate separately series seriously set several shall share she short shorten should show
    shows side sign similar similarly simple simplify simply simulate since sir six size sleep slow
    small so social solution solve some somebody someone something sometimes somewhat soon sorry sort
    sound source speak special specifically spell split spring staff stage standard start started state
    statement status stay step steps still stop story strategy street strong structure student students
    study style subject such suddenly suggest suggestions suitable sum summarise summarize summary
    summer support suppose sure surely system table tags take taken talk target task teach teacher team
    tell ten term test testing text than thank thanks that the their theirs them then there therefore
    these they thing things think third this those though thought three through throughout thus time
    times tip tips title to today together tomorrow tone too tool top topic topics total toward track
    train transform translate translation travel treat trip true try trying turn twelve twice two type
    types typically ultimately under understand unfortunately unless unlike until up update upon us use
    used useful user users using usually validate value values various verify version very via view
    visit voice wait walk want war warning was watch water way ways we weather web week weekly weeks
    weird welcome well were what whatever when whenever where whereas whether which while white who
    whole whom whose why will winter wish with within without woman women wonder word words work working
    works world worse worst would write writer writing wrong yeah year years yes yesterday yet you young
    your yours yourself zero abstract accuracy account action address advantages advice algorithm amount
    api app application applications array assignment attachment attention attribute authentication
    backend balance batch bonus branch breakfast budget bug calendar camera car chart chemistry child
    children class client cloud command commit community component computer config configuration
    connection constant constraints container contract conversation cost costs csv culture dataset
    database default deadline delivery department diagnosis dinner director disadvantages discount
    doctor domain drop economy editor engine engineer environment exercise experience external feedback
    field finance firstly secondly thirdly framework frontend gender goodbye government grammar graph
    guests hardware height hint hints hiring hotel html http https index internal internet invoice java
    json key keyword keywords kitchen language languages latex library lunch manager markdown marketing
    mathematics math matrix memory metadata methods metric metrics module monitor network node
    notification null objective objectives operation option optional options organisation organization
    originally overview owner package parameters parent payment performance physics platform policy port
    prerequisites privacy procedure production properties property pros cons proposal protocol prototype
    public pursuant query readme reference references register registration requirements restaurant
    revenue risk risks route sales salary schedule schema science scope security server service services
    session setup ship shipping signature size software speed spreadsheet sql stack stakeholders string
    strings subscription success syntax tax technical technology template theory thread ticket timeline
    token tokens traffic training transaction tutorial url username variable variables vehicle video
    weight widget window workflow workshop yaml dear sir madam sincerely faithfully truly yours hola
    bonjour hallo guten tag liebe lieber der die das und ein eine ich wir sie es ist wie was warum wo
    wann kann bitte danke schreibe erkläre le la les un une je nous vous est pourquoi comment quel
    quelle el los las una yo por para qué cómo escribe explica sehr geehrte mit freundlichen grüßen
    viele cordialement saludos quoted quoting quotes paragraph sentence sentences summary summarised
    summarized
    """
)
"""English words (and a few of three neighbours) in lower case."""

CAPITALISED: Final = words(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july
    august september october november december christmas easter halloween thanksgiving ramadan hanukkah
    diwali english german french spanish italian portuguese dutch polish russian ukrainian turkish
    arabic hebrew hindi urdu bengali chinese mandarin cantonese japanese korean vietnamese thai
    indonesian latin greek swedish norwegian danish finnish czech hungarian romanian american british
    european african asian australian canadian mexican brazilian indian irish scottish welsh swiss
    austrian belgian persian europe africa asia america americas antarctica australia oceania atlantic
    pacific arctic mediterranean earth mars venus jupiter saturn afghanistan albania algeria argentina
    armenia austria azerbaijan bangladesh belarus belgium bolivia bosnia brazil bulgaria cambodia
    cameroon canada chile china colombia congo croatia cuba cyprus czechia denmark ecuador egypt england
    estonia ethiopia finland france germany ghana greece guatemala hungary iceland india indonesia iran
    iraq ireland israel italy jamaica japan kazakhstan kenya korea kuwait latvia lebanon libya lithuania
    luxembourg malaysia malta mexico moldova mongolia morocco myanmar nepal netherlands nigeria norway
    pakistan palestine panama paraguay peru philippines poland portugal qatar romania russia scotland
    senegal serbia singapore slovakia slovenia somalia spain sudan sweden switzerland syria taiwan
    tanzania thailand tunisia turkey uganda ukraine uruguay usa uk eu un us uae venezuela vietnam wales
    yemen zimbabwe zealand states united kingdom london paris berlin madrid rome vienna brussels
    amsterdam lisbon dublin athens warsaw prague budapest copenhagen stockholm oslo helsinki moscow kyiv
    beijing shanghai tokyo seoul delhi mumbai bangkok jakarta cairo nairobi lagos sydney melbourne
    toronto montreal york angeles francisco chicago boston seattle washington california texas florida
    new los san munich hamburg frankfurt cologne zurich geneva milan venice florence barcelona valencia
    lyon marseille manchester edinburgh istanbul dubai google microsoft apple amazon meta facebook
    netflix tesla nvidia intel amd ibm oracle samsung sony toyota bmw volkswagen siemens sap openai
    anthropic claude chatgpt gpt gemini llama mistral copilot alexa siri twitter youtube instagram
    whatsapp linkedin reddit tiktok slack zoom github gitlab docker kubernetes linux ubuntu debian
    windows macos android ios iphone ipad python javascript typescript java rust golang kotlin swift
    ruby php perl scala haskell react angular vue django flask fastapi pytorch tensorflow numpy pandas
    postgres postgresql mysql sqlite mongodb redis kafka nginx apache aws azure gcp terraform ansible
    jenkins excel word powerpoint outlook photoshop wikipedia uber airbnb spotify paypal visa mastercard
    nike adidas ikea starbucks mcdonald nasa nato who fifa uefa nba nfl bbc cnn okr okrs kpi kpis api
    apis ceo cto cfo hr it ai ml llm llms html css json xml yaml sql http https url pdf csv faq pc tv
    dna covid i'm i've i'd i'll ok einstein newton darwin shakespeare mozart beethoven bach picasso da
    vinci galileo aristotle plato socrates napoleon caesar cleopatra gandhi mandela lincoln roosevelt
    churchill kennedy obama trump biden clinton bush merkel macron putin thatcher stalin lenin marx
    freud nietzsche kant descartes turing tesla edison curie hawking feynman musk bezos gates jobs
    zuckerberg buffett rowling tolkien orwell hemingway dickens austen dante homer nelson messi ronaldo
    federer jordan beyonce swift madonna elvis beatles bible quran god jesus buddha christian muslim
    jewish catholic internet
    """
)
"""Words that are written with a capital though they name no private person, in lower case."""

RELATIONS: Final = (
    "wife",
    "husband",
    "spouse",
    "partner",
    "girlfriend",
    "boyfriend",
    "fiancé",
    "fiancée",
    "fiance",
    "fiancee",
    "ex",
    "mother",
    "father",
    "mom",
    "mum",
    "dad",
    "parents",
    "brother",
    "sister",
    "sibling",
    "son",
    "daughter",
    "child",
    "kid",
    "kids",
    "children",
    "baby",
    "toddler",
    "grandmother",
    "grandfather",
    "grandma",
    "grandpa",
    "grandson",
    "granddaughter",
    "uncle",
    "aunt",
    "nephew",
    "niece",
    "cousin",
    "friend",
    "neighbor",
    "neighbour",
    "roommate",
    "flatmate",
    "boss",
    "manager",
    "supervisor",
    "colleague",
    "coworker",
    "co-worker",
    "employee",
    "employees",
    "intern",
    "assistant",
    "secretary",
    "client",
    "clients",
    "customer",
    "customers",
    "patient",
    "patients",
    "student",
    "students",
    "pupil",
    "tenant",
    "landlord",
    "landlady",
    "doctor",
    "therapist",
    "psychiatrist",
    "dentist",
    "lawyer",
    "attorney",
    "accountant",
    "teacher",
    "professor",
    "coach",
    "nanny",
    "applicant",
    "candidate",
    "contractor",
    "plaintiff",
    "defendant",
    "victim",
    "witness",
)
"""Words that point at a person whom the writer knows."""

AMBIGUOUS: Final = words(
    """
    will mark may young brown green white black long king page price rose grace hope bill art drew jack
    march april june august hall hill wood stone field rich chase grant dean lane case love day summer
    dawn faith joy page bell cook baker park banks church law gray grey strong short small best little
    good sharp wise frank max pat rob sue dale cliff glen reed ray miles read story english french early
    """
)
"""Words of the language that are also names; such a part of a name is looked for with a capital only."""
