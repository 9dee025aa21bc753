"""A small labelled set: questions, and the words that the passage which answers must hold.

Half are paraphrases that share few words with their answer; half name a code, a number or a name, as people
do who look for one thing. Who wrote the questions knew the texts, so the set is easy: it compares rankings.
"""

MANUAL = """# Pump station
## Faults
Fault QX-4471 means that the inlet valve sticks.
Fault QX-4472 means that the filter is full.
Fault QX-4490 means that the float switch hangs.
Fault ZR-19 means that the drive has lost a phase.
Fault ZR-21 means that the drive is too warm.
## Parts
The seal of the inlet valve is part 88-1402.
The filter cartridge is part 88-1409.
The float switch is part 88-2210.
The belt of the drive is part 71-0034.
## Contacts
Oduya Marchetti repairs drives in Tarvis.
Bela Szekeres repairs valves in Gmunden.
Station WX7 is looked after by the northern crew.
Station WX9 is looked after by the harbour crew.
## Care
Before the first frost the outer pipe is emptied.
In spring all moving parts get fresh grease.
Once a year somebody from the authority looks at the boiler.
"""

PARAPHRASES = (
    ("How many days off do I get each year?", "28 days"),
    ("Can I take my dog along?", "Dogs are welcome"),
    ("What happens when I get sick on vacation?", "doctor's note"),
    ("How late can I hand over my bills after buying something?", "within 30 days"),
    ("Is beer reimbursed on a trip?", "alcohol is not paid"),
    ("When does my money arrive?", "27th of each month"),
    ("May I work remotely?", "Working from home"),
    ("Somebody stole my phone, what now?", "lost laptop or phone"),
    ("How long is the trial time for new people?", "probation"),
    ("Who helps me in the beginning?", "buddy"),
    ("What do I get for being reachable at night?", "250 euros a week"),
    ("How fast must one react to an alert?", "fifteen minutes"),
    ("When can I get a new computer?", "replaced every four years"),
    ("What if nothing works with the remote access?", "extension 411"),
    ("How much may a room for the night cost in Paris?", "140 euros"),
    ("Do they add something to my retirement money?", "pension"),
    ("When must I water the vegetables?", "raised beds"),
    ("Until when can we cross the water?", "ferry"),
    ("Where can I shut off the water at home?", "main water tap"),
    ("How long before moving out must I tell the landlord?", "notice period"),
    ("What is to be done with the pipe before winter?", "outer pipe is emptied"),
    ("Who inspects the heating kettle?", "authority"),
    ("Is training paid for?", "1,200 euros"),
    ("How are extra hours compensated?", "Overtime"),
    ("Which rules are there for guests in the building?", "Visitors sign in"),
)

NAMED = (
    ("QX-4471", "inlet valve sticks"),
    ("What does fault QX-4472 mean?", "filter is full"),
    ("what is QX-4490", "float switch hangs"),
    ("ZR-19 on the display", "lost a phase"),
    ("We see ZR-21 again", "too warm"),
    ("part number 88-1402", "seal of the inlet valve"),
    ("Which part is 88-1409?", "filter cartridge"),
    ("order 88-2210", "float switch is part"),
    ("71-0034?", "belt of the drive"),
    ("Who is Oduya Marchetti?", "Oduya Marchetti"),
    ("phone Szekeres", "Bela Szekeres"),
    ("somebody in Gmunden", "Gmunden"),
    ("who has WX7", "Station WX7"),
    ("who looks after WX9?", "Station WX9"),
    ("room 2.14", "room 2.14"),
    ("extension 411", "extension 411"),
    ("the train at 15:12", "15:12"),
    ("62 kilometres", "62 kilometres"),
    ("what was sown on 12 March", "tomatoes"),
    ("warm linen", "warm linen"),
    ("woolly aphids", "woolly aphids"),
    ("Mira", "Mira recommended"),
    ("seal of 25 millimetres", "size 25 millimetres"),
    ("Brackwater 20 percent", "pension"),
    ("0.30 euros", "0.30 euros"),
)

OFF_TOPIC = (
    "Who won the elections in Peru?",
    "How do I sort a list in Haskell?",
    "What is the tallest building of Dubai?",
    "Write a poem about a dragon.",
    "How do I change the tyre of a lorry?",
    "Who painted the Sistine Chapel?",
    "Translate 'good morning' into Finnish.",
    "What is the boiling point of mercury?",
    "Which guitar did he play in 1969?",
    "Explain the offside rule.",
)

CATALOGUE = (
    ("handbook", "Rules of the office: leave, pay, travel, equipment"),
    ("pumps", "Manuals of the pump stations: faults, spare parts, care"),
    ("contracts", "Signed contracts with suppliers and customers"),
    ("lab-results", "Results of blood tests and other lab reports of patients"),
    ("garden", "Notes about the garden: sowing, watering, pruning"),
    ("minutes", "Minutes of the meetings of the board"),
)

MATCHES = (
    ("How many days of leave do I have left?", "handbook"),
    ("How much does the office pay for hotels on business travel?", "handbook"),
    ("Which spare part do I need for the pump?", "pumps"),
    ("The pump station shows a fault, what does it mean?", "pumps"),
    ("When does our contract with the supplier end?", "contracts"),
    ("What did the customer sign?", "contracts"),
    ("What do the blood tests of the patient say?", "lab-results"),
    ("Is her lab report normal?", "lab-results"),
    ("When do I prune and water the plants in the garden?", "garden"),
    ("What was sown in March?", "garden"),
    ("What did the board decide in its last meeting?", "minutes"),
    ("Show me the minutes of May.", "minutes"),
)
"""Questions, and the data set of `CATALOGUE` that they are about."""
