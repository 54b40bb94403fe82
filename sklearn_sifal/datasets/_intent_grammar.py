"""The words of the made-up customer queries: intents, sentence frames, synonyms.

This module is data. How a query is put together from it is in ``_phrasebook``.

A wording is a line of text. ``{name}`` stands for a draw from ``SLOTS[name]``
and ``#`` for a random digit. Every list of wordings is written most usual
first, because the draw favours the front of the list, and is split into what
most customers say (``common``) and what hardly any two say alike (``rare``).

Each wording of an intent starts with its form, which tells the frames it fits:

- ``do``: what the customer wants to do ("close my account");
- ``ask``: what the customer wants done ("call me back");
- ``fact``: a clause about what happened ("I lost my card");
- ``say``: a clause about a wish or a view ("I want a refund");
- ``q``: a complete question, used as it stands.

The common wordings give each intent its easy bulk. The rare ones are made of
words that sibling intents also use ("the machine took my card" and "someone
took my card"), so that a model that counts words has to have met the phrase.
No wording may belong to two intents: a query must have one right answer.
"""

from typing import NamedTuple


class Wordings(NamedTuple):
    """Ways to say one thing: usual ones and rare ones, one per line."""

    common: str
    rare: str = ""


class Intent(NamedTuple):
    """One intent: the domain its background remarks come from, and its wordings."""

    domain: str
    wordings: Wordings


SLOTS = {
    # People, things and places.
    "card": Wordings(
        "card\nbank card\ndebit card\ncredit card",
        "visa card\nmastercard\nblue card\njoint account card\ncontactless card\n"
        "piece of plastic\nmain card\nprepaid card",
    ),
    "thief": Wordings(
        "someone\nsomebody\na thief",
        "a pickpocket\nsome lad\ntwo men on a moped\na stranger\nsome lowlife\n"
        "the man behind me\nmy ex flatmate",
    ),
    "merchant": Wordings(
        "Northline\nBrightmart\nthe shop",
        "Oak & Vine\na petrol station\nKettle Street Books\nPedalworks\n"
        "some website\nHarbour Hotel\na garage in town\nthe vet",
    ),
    "place": Wordings(
        "the supermarket\nthe gym\nthe station\nwork",
        "the airport\nthe cinema\nmy sister's house\nthe beach\na hotel in Leeds\n"
        "a bus stop\na festival\nthe school fair",
    ),
    "item": Wordings(
        "phone case\nshirt\nlamp\npair of shoes\nkettle",
        "dress\nheadset\nbookshelf\nrouter\ncoffee machine\njacket\ngarden chair\ncharger\nblender",
    ),
    "gadget": Wordings(
        "lamp\nkettle\nheadset\nrouter",
        "coffee machine\ncharger\nblender\ntoaster\nradio\nwatch\nscreen\nfan heater",
    ),
    "order": Wordings(
        "order\nparcel\npackage\ndelivery", "purchase\nstuff\nshopping\nshipment\nonline order"
    ),
    "money": Wordings("money\n{amount}", "cash\nrent money\nholiday money\npocket money"),
    "account": Wordings(
        "account\nbank account\nprofile", "current account\nmembership\nlogin\nsavings account"
    ),
    "internet": Wordings(
        "internet\nwifi\nbroadband\nconnection",
        "fibre\nrouter\nhome network\nline\nhub\nwireless",
    ),
    "bill": Wordings("bill\ninvoice\nphone bill", "monthly bill\nstatement from you\nlast invoice"),
    "plan": Wordings("plan\ncontract\nsubscription", "tariff\nbundle\npackage with you\nsim deal"),
    "agent": Wordings(
        "a human\na person\nan agent\nan advisor",
        "a real person\na manager\na member of staff\nsomebody in the office\n"
        "a living being\na supervisor\nan operator\nsomeone with a brain",
    ),
    # Times.
    "when": Wordings(
        "yesterday\nthis morning\ntoday\nlast night\non {date}\nlast week",
        "{count} days ago\nover the weekend\nwhile I was on holiday\nabout an hour ago\n"
        "on my way home\nbefore I went to bed\nat lunchtime\nduring the storm",
    ),
    "ages": Wordings(
        "{count} days\na week\ntwo weeks\n{count} weeks",
        "a month\nages\na fortnight\nthe best part of a month\na very long time\n"
        "nearly {count} weeks",
    ),
    "callslot": Wordings(
        "today\ntomorrow\nafter 5pm\nthis afternoon\nin the morning\nas soon as possible",
        "after {count}\non {date}\nbetween 9 and 11\nwhen you have a minute\nbefore noon\n"
        "when the kids are in bed\nat your earliest convenience",
    ),
    "date": Wordings(
        "{day} {month}\nthe {day}\n{month} {day}",
        "1{small}/0{small}/2024\n2024-0{small}-1{small}\n1{small}.0{small}.",
    ),
    "day": Wordings("3rd\n12th\n21st\n5th\n17th\n28th\n9th\n1st\n14th\n23rd\n30th"),
    "month": Wordings("March\nJune\nMay\nOctober\nJanuary\nNovember\nJuly\nApril\nAugust"),
    "count": Wordings("two\n3\n10\nfive\n4\nthree\n6\nseven\n12"),
    "small": Wordings("1\n2\n3\n4\n5\n6\n7\n8\n9"),
    # Numbers, addresses, links.
    "amount": Wordings(
        "£{small}#\n£{small}#.##\n${small}#\n{small}# euros\n£{small}##",
        "{small}##.## EUR\n${small},###\n€{small}#.##\n{small}# quid\n{small}## pounds",
    ),
    "reference": Wordings(
        "order {small}#####\nreference {small}#######\nno. {small}####",
        "ref AB-{small}###\ncase {small}####\nticket {small}###-##",
    ),
    "email": Wordings(
        "{user}@example.com\n{user}{small}#@example.org", "{user}.{user}@mail.example.net"
    ),
    "user": Wordings("jo\nsam\nalex\nkim\nmaria\np.novak\ntheo\nlin"),
    "url": Wordings(
        "https://www.example.com/help\nwww.example.com\nexample.com/account",
        "https://shop.example.org/orders/{small}####\nhttp://example.net/faq?id={small}#",
    ),
    # Ranges that are set aside for fiction and ring nobody.
    "phone": Wordings("07700 900###\n555-01##", "+44 7700 900###"),
}

# Sentence frames by form. {x} is the wording of the intent.
FRAMES = {
    "do": Wordings(
        "I want to {x}\nhow do I {x}?\nI need to {x}\ncan I {x}?\nI would like to {x}\n"
        "I'd like to {x}\n{x}\nhow can I {x}?\nhelp me {x}\nis it possible to {x}?\n"
        "I am trying to {x}",
        "is there a way to {x}?\nwhat's the best way to {x}?\nany chance I could {x}?\n"
        "remind me how to {x}\nwhat are the steps to {x}?\nI was wondering how to {x}\n"
        "where do I go to {x}?\nI have been struggling to {x}\nwhich button do I press to {x}?\n"
        "my wife says I should {x}\nwho can help me {x}?\nwhat do I have to do to {x}?\n"
        "your colleague told me I can {x} here\nI have no idea how to {x}",
    ),
    "ask": Wordings(
        "can you {x}?\nplease {x}\ncould you {x}?\ncan you please {x}?\nI need you to {x}\n"
        "could you please {x}?\nI want you to {x}\ncould someone {x}?\nI'd like you to {x}",
        "would you be so kind as to {x}?\nany chance you could {x}?\nis anyone able to {x}?\n"
        "kindly {x}\nis there anybody who could {x}?\nbe a star and {x}\n"
        "the least you can do is {x}\nwhen are you going to {x}?\ndo me a favour and {x}\n"
        "your colleague promised to {x}\nwould it be possible for you to {x}?",
    ),
    "fact": Wordings(
        "{x}\nI think {x}\n{x}, what should I do?\n{x}, please help\nhelp, {x}\n"
        "it seems {x}\n{x}, can you help?\n{x} and I need help\nsorry but {x}",
        "just realised {x}\nnot sure what happened but {x}\nbit of a problem, {x}\n"
        "to cut a long story short, {x}\nyou won't believe this but {x}\nI'm afraid {x}\n"
        "so apparently {x}\nit turns out {x}\n{x}, what are my options?\n"
        "{x} and I don't know what to do\nwhat happens now that {x}?\n"
        "just so you know, {x}\n{x}, any ideas?\n{x}, who should I speak to about that?",
    ),
    "say": Wordings(
        "{x}\n{x}, can you help?\nsorry but {x}\n{x} please\nlook, {x}\n{x} right now",
        "to cut a long story short, {x}\nto be honest, {x}\nthe thing is, {x}\n"
        "let me be clear, {x}\n{x}, who do I speak to?\n{x}, that is all\n"
        "I have said it before, {x}\nafter all this, {x}\n{x}, is that so hard?",
    ),
    "q": Wordings(
        "{x}?\nquick question, {x}?\ncan you tell me, {x}?\nplease tell me, {x}?",
        "just wondering, {x}?\nI keep asking myself, {x}?\nit may be a silly question but {x}?\n"
        "seriously, {x}?\none more thing, {x}?",
    ),
}

OPENINGS = Wordings(
    "hi,\nhello,\nhey,\nhi there,\ngood morning,\nhello team,\nhi guys,",
    "good evening,\ngreetings,\ndear sir or madam,\nhey you lot,\nok so\nright,\n"
    "afternoon,\nto whom it may concern,\nme again,",
)

CLOSINGS = Wordings(
    "thanks\nthank you\nasap\nmany thanks\ncheers\nthanks in advance",
    "it is urgent\nmuch obliged\nI'm getting desperate\nsorry to bother you\n"
    "hope you can sort it\nbest regards, {user}\nhave a nice day\nno rush\n"
    "you can reach me at {email}",
)

# Roundabout wordings: the writer mentions another matter on the way. {do} and
# {fact} stand for a wording of another intent.
ASIDES = Wordings(
    "I don't want to {do}\nit is not that {fact}\nI know how to {do}\nI already managed to {do}\n"
    "I am not saying {fact}\nthis is not about how to {do}",
    "last time you helped me {do}\nyour bot thought {fact}\nno need to tell me how to {do}\n"
    "don't start with how to {do}\nmy last question was how to {do}\n"
    "I am not writing because {fact}\nyour colleague thought {fact} but that is not it\n"
    "I was going to {do} but that can wait\nit would be different if {fact}\n"
    "everybody seems to think {fact}\nmy brother is the one who wants to {do}\n"
    "I found out by myself how to {do}\nat first I feared {fact} but no",
)

# Remarks that say nothing about the intent beyond, at most, its domain.
BACKGROUNDS = {
    "any": Wordings(
        "I already tried the app\nI use the app on my phone\nI have been a customer for {count} "
        "years\nI looked at {url}\nmy email is {email}\nI am in a hurry",
        "I spoke to somebody about it {when}\nI got cut off when I called\n"
        "the chat bot was no help\nI am writing from {email}\nI live abroad\n"
        "my number is {phone}\nI read {url} twice\nI am not good with computers\n"
        "my daughter is typing this for me\nit says error {small}## on the screen\n"
        "I have to leave for work now\nI am away until {date}\nmy battery is nearly dead",
    ),
    "bank": Wordings(
        "the card ends in ####\nI bank with you\nI have two cards\nmy account number ends in ###",
        "I opened the account in {month}\nit is a joint account\nI get paid on the {day}\n"
        "there is {amount} in the account\nI need to pay my rent\nI normally pay by phone\n"
        "I was at {place} {when}\nthe branch is closed\nI only use it for shopping",
    ),
    "shop": Wordings(
        "it is {reference}\nI ordered on {date}\nmy order number is {small}#####\nit cost {amount}",
        "I paid {amount} for it\nit is a birthday present\nI bought it at {merchant}\n"
        "I paid by card\nthe email says {reference}\nI have the receipt\n"
        "it was in the sale\nI ordered two of them\nthe courier was very rude",
    ),
    "telecom": Wordings(
        "my number is {phone}\nI pay {amount} a month\nI have the unlimited plan\nI work from home",
        "I am with you since {month}\nmy neighbour has the same provider\n"
        "we have two phones on the account\nI switched to you in {month}\nI live in a village\n"
        "the router is the white one\nthe engineer came {when}\nmy kids watch films all day",
    ),
}

INTENTS = {
    "card_lost": Intent(
        "bank",
        Wordings(
            """
            fact I lost my {card}
            fact I have lost my {card}
            fact I can't find my {card}
            fact my {card} is missing
            do report a lost {card}
            fact I lost my {card} {when}
            fact I lost my {card} at {place}
            fact my {card} got lost
            do report my {card} as lost
            """,
            """
            fact I left my {card} at {place}
            fact I dropped my {card} at {place}
            fact I have mislaid my {card}
            fact my {card} must have fallen out of my pocket
            fact I have no idea where my {card} is
            fact my {card} has disappeared
            fact my purse is gone and the {card} was in it, my own fault
            fact I don't know where I put my {card}
            fact my {card} is nowhere to be found
            fact I turned the house upside down and still no {card}
            fact I forgot my {card} on a counter and it is not there any more
            fact I have misplaced my {card}
            q have you seen my {card}, I had it {when}
            q what do I do when my {card} is gone
            fact I last saw my {card} {when}
            q did anyone hand in my {card}
            fact the {card} is not in my wallet where it should be
            fact the dog probably buried my {card}
            fact my {card} went overboard {when}
            fact I may have thrown my {card} out with the rubbish
            fact I left the {card} in a pair of jeans I gave away
            fact I have looked everywhere for my {card}
            fact my {card} and I have parted company
            ask stop my {card}, it slipped out of my bag
            fact I was careless with my {card} and now it is gone
            fact the {card} is lying on the floor of a taxi somewhere
            """,
        ),
    ),
    "card_stolen": Intent(
        "bank",
        Wordings(
            """
            fact my {card} was stolen
            fact my {card} has been stolen
            fact someone stole my {card}
            fact {thief} stole my {card} {when}
            do report a stolen {card}
            fact my wallet was stolen with my {card} in it
            fact my {card} got stolen at {place}
            do report my {card} as stolen
            fact I was robbed and they took my {card}
            """,
            """
            fact {thief} took my {card}
            fact {thief} took my bag with the {card} in it
            fact my {card} was nicked at {place}
            fact {thief} pinched my {card}
            fact I was mugged {when}
            fact my {card} was taken from my pocket
            fact {thief} grabbed my purse and ran
            fact we had a break in and the {card} is gone
            fact my {card} was lifted by {thief}
            fact {thief} has my {card} and it is not me who gave it
            fact somebody went through my bag and the {card} is missing
            fact my {card} was in a car that was broken into
            fact {thief} helped himself to my {card}
            fact {thief} swiped my {card}
            q what do I do when {thief} has run off with my {card}
            fact I was held up at a cash machine {when}
            fact the cleaner walked off with my {card}
            fact my {card} has fallen into the wrong hands
            fact {thief} snatched my {card} out of my hand
            fact the police told me to tell you about my {card}
            fact {thief} distracted me and now my {card} is gone
            fact my {card} has a new owner who did not ask me
            fact I put my {card} down and {thief} made off with it
            ask stop my {card}, {thief} has got hold of it
            fact I have a crime number for my {card}
            """,
        ),
    ),
    "card_blocked": Intent(
        "bank",
        Wordings(
            """
            fact my {card} is blocked
            fact my {card} has been blocked
            ask unblock my {card}
            do unblock my {card}
            q why is my {card} blocked
            fact you blocked my {card}
            fact my {card} is frozen
            ask unfreeze my {card}
            fact my {card} was blocked {when}
            """,
            """
            q why have you stopped my {card}
            fact you put a stop on my {card}
            fact the app says my {card} is suspended
            ask lift the block on my {card}
            fact I found my {card} again and need it switched back on
            ask take the hold off my {card}
            ask make my {card} usable again, you froze it
            fact I typed the wrong pin three times and now the {card} is dead
            fact my {card} is on ice
            ask reinstate my {card}
            ask let me use my {card} again
            fact there is a padlock next to my {card} in the app
            fact I froze my {card} by mistake
            fact I pressed freeze and can't turn the {card} back on
            fact you have disabled my {card}
            q who decided to put a lock on my {card}
            q when will the restriction on my {card} be gone
            ask turn my {card} back on
            fact I reported my {card} lost but it was in my coat, I want it back in use
            fact my {card} was deactivated
            fact the fraud team has put my {card} on hold
            ask release my {card}
            q what did I do to get my {card} barred
            fact my {card} is locked after too many tries
            """,
        ),
    ),
    "card_declined": Intent(
        "bank",
        Wordings(
            """
            fact my {card} was declined
            q why was my {card} declined
            fact my {card} is not working
            fact my {card} was declined at {merchant}
            fact my payment was declined
            fact my {card} got declined {when}
            fact my {card} doesn't work
            q why was my card payment refused
            fact my {card} keeps getting declined
            """,
            """
            fact {merchant} would not take my {card}
            fact the till said no to my {card}
            fact my {card} was rejected at {place}
            fact I could not pay with my {card} at {place}
            fact the machine at {merchant} refused my {card}
            fact I had to leave my shopping because the {card} would not go through
            fact my payment to {merchant} did not go through
            fact the waiter said my {card} was no good
            fact my {card} is not accepted anywhere
            fact there is money in the account but the {card} says no
            fact it says transaction not authorised when I pay
            fact contactless fails every time I try
            q how come I can't pay at {merchant}
            fact I was embarrassed at the till {when}
            fact checkout at {merchant} throws my {card} back at me
            fact I tried to pay {amount} and it failed
            q what is the matter with my {card}, it won't pay
            fact my {card} was turned down
            fact {merchant} could not charge my {card}
            fact no shop will take my {card} any more
            fact I get a red cross whenever I tap my {card}
            fact the petrol pump does not like my {card}
            q why would an online payment of {amount} bounce
            fact the purchase would not complete on my {card}
            """,
        ),
    ),
    "card_not_arrived": Intent(
        "bank",
        Wordings(
            """
            fact my {card} has not arrived
            fact I haven't received my {card}
            q where is my new {card}
            fact I am still waiting for my {card}
            fact my new {card} hasn't arrived yet
            q when will my {card} arrive
            fact I ordered a {card} {when} and it is not here
            do track my new {card}
            fact my replacement {card} has not come
            """,
            """
            fact I have been waiting for a {card} for {ages}
            q did you post my {card}
            q how long does a new {card} take
            fact there was no {card} in the envelope
            fact the postman has brought everything except my {card}
            fact the pin came but the {card} did not
            fact {ages} and no sign of my {card}
            q is my {card} on its way
            fact you promised me a {card} by {date}
            q have you sent my {card} out
            fact I moved in {month} and my {card} may have gone to the old flat
            q has my {card} been printed yet
            fact my letterbox is empty, no {card}
            fact my renewed {card} never turned up
            fact the {card} you sent me is lost in the post
            q what is the delivery time for a {card}
            fact I opened the account {when} and have no {card}
            fact the {card} was meant to come {when}
            ask chase up my {card}
            fact my old {card} runs out and the next one is not here
            q where has the {card} you sent got to
            fact everyone else in the family has got theirs but my {card} is not here
            q did my {card} leave your building
            """,
        ),
    ),
    "card_swallowed": Intent(
        "bank",
        Wordings(
            """
            fact the cash machine kept my {card}
            fact the ATM swallowed my {card}
            fact the ATM kept my {card}
            fact my {card} is stuck in the cash machine
            fact the cash machine swallowed my {card} {when}
            fact the ATM ate my {card}
            fact my {card} got stuck in the ATM
            do get my {card} back from the ATM
            fact the machine did not give my {card} back
            """,
            """
            fact the machine took my {card}
            fact the machine at {place} took my {card}
            fact my {card} went in and never came out
            fact a hole in the wall has eaten my {card}
            fact the ATM at {place} will not let go of my {card}
            fact the machine switched itself off with my {card} inside
            fact I got my money but the {card} stayed in the slot
            fact the machine held on to my {card}
            fact the cash point gobbled up my {card}
            q how do I get my {card} out of a machine
            fact my {card} was retained
            fact the machine has hold of my {card}
            fact I waited too long and the {card} was pulled in
            q who opens the machine to get my {card}
            fact your machine stole my {card}
            fact my {card} is trapped inside your branch wall
            fact the ATM grabbed my {card} and said goodbye
            fact I put my {card} in at {place} and lost it to the machine
            fact the dispenser did not return my {card}
            fact the bank machine captured my {card}
            q can the branch hand back a {card} from the machine
            fact I typed the wrong pin and the machine took the {card}
            fact the screen went blank with my {card} in it
            """,
        ),
    ),
    "pin_forgotten": Intent(
        "bank",
        Wordings(
            """
            fact I forgot my pin
            fact I can't remember my pin
            fact I have forgotten my pin
            fact I don't know my pin
            fact I forgot the pin for my {card}
            do see my pin
            q what is my pin
            fact I lost my pin
            ask send me my pin again
            """,
            """
            q where can I find my pin
            do look up my pin
            fact the four digits have gone clean out of my head
            ask remind me of my pin
            fact my mind went blank when the till asked for my code
            fact my memory is bad and I have the {card} but not the code
            do view the pin in the app
            fact I threw away the letter with the pin
            fact I never learned my pin by heart
            fact I don't recall the code for my {card}
            say I need the number for the cash machine and can't think of it
            q what was the code of my {card} again
            fact I only ever use contactless so I no longer know the code
            do recover my pin
            fact the pin I remember is wrong
            do find out the code for my {card}
            q how do people get told their pin
            fact I was never given a pin for my {card}
            ask post me the letter with the pin once more
            fact I keep mixing up the numbers of my cards
            fact my pin slipped my mind {when}
            ask show me the secret number of my {card}
            fact I wrote my pin down and lost the paper
            """,
        ),
    ),
    "pin_change": Intent(
        "bank",
        Wordings(
            """
            do change my pin
            do change the pin on my {card}
            do set a new pin
            ask change my pin
            do change my pin in the app
            do choose a new pin
            do update my pin
            do change my pin at an ATM
            q where can I change my pin
            """,
            """
            do pick my own pin
            do swap my pin for another one
            do have a different code on my {card}
            fact my pin is too easy to guess
            fact someone saw my pin and I want another
            do set the code of my {card} to something I like
            fact I don't like the pin you sent me
            do replace the four digits of my {card}
            q can the number for the cash machine be my own choice
            do use the same pin on both cards
            do give my {card} another code
            q is there an option in the menu for another pin
            do make my pin a different number
            fact my son knows my pin so it has to be a new one
            do alter the code I type at the till
            fact the pin is my birthday and that is not safe any more
            do switch to a new secret number
            q are there rules for what digits I can have
            fact I know my pin but want one that is easier
            do edit the code for my {card}
            q does a new code work abroad as well if I choose one
            do modify my pin number
            """,
        ),
    ),
    "password_reset": Intent(
        "any",
        Wordings(
            """
            fact I forgot my password
            do reset my password
            fact I can't remember my password
            do change my password
            ask reset my password
            fact the password reset email does not arrive
            fact I lost my password
            ask send me a password reset link
            do get a new password
            """,
            """
            fact I don't know what to type to log in any more
            fact my password manager lost everything
            fact the reset link has expired
            fact the link in your email does nothing when I want a new login
            do set another password
            fact I have forgotten how I log in
            fact it says wrong password but I am sure it is right
            do recover my login
            fact my passphrase has gone out of my head
            ask send the link to {email} so that I can choose a new one
            fact I keep getting the password wrong
            fact my password slipped my mind
            q where is the forgotten password page
            fact the new password is not accepted
            fact it wants a capital letter and a sign in the password
            do sign in again, I don't remember the word
            fact my browser no longer fills in my password
            q how do I log in without remembering my password
            do pick a stronger password
            fact my credentials are gone
            q how many letters must a new password have
            fact you ask for a password I never made
            """,
        ),
    ),
    "account_locked": Intent(
        "any",
        Wordings(
            """
            fact my {account} is locked
            fact I am locked out of my {account}
            ask unlock my {account}
            fact my {account} has been locked
            q why is my {account} locked
            fact you locked my {account}
            fact I can't get into my {account}
            fact I can't log in to my {account}
            do unlock my {account}
            """,
            """
            fact my {account} is suspended
            fact I have no access to my {account}
            fact too many tries and now I am shut out
            fact it says access denied when I open the app
            ask let me back into my {account}
            fact the password is right but the {account} won't open
            fact you put a block on my {account}
            ask give me back access to my {account}
            fact my {account} was frozen
            fact the app threw me out and won't let me in
            fact my {account} is disabled
            fact it says to contact support when I sign in
            fact I entered the wrong code and the app shut me out for 24 hours
            ask restore my {account}
            q what must I do to be let in again
            fact I am barred from my own {account}
            fact my {account} has a padlock on it
            q how long does a lock on my {account} last
            fact my log in was stopped for security reasons
            fact the door to my {account} is shut
            fact I can see the home page but nothing behind it
            fact you closed off my {account} without asking me
            """,
        ),
    ),
    "account_close": Intent(
        "any",
        Wordings(
            """
            do close my {account}
            ask close my {account}
            do delete my {account}
            ask delete my {account}
            say I want my {account} closed
            do cancel my {account}
            do remove my {account}
            say I don't want my {account} any more
            q how long does it take to close my {account}
            """,
            """
            fact I am leaving you for another bank
            ask wipe my data
            do shut down my {account}
            ask shut my {account} for good
            do end my {account} with you
            ask take me off your books
            ask erase my {account}
            fact my {account} is of no use to me
            do get rid of my {account}
            q what happens to my money when I leave
            do terminate my {account}
            do stop being a customer
            fact my father died and his {account} has to go
            do say goodbye to my {account}
            do move everything elsewhere and leave
            fact I have one somewhere else so this {account} can go
            ask forget everything about me
            do deactivate my {account} for ever
            say I will not be using the {account} again
            do part ways with you
            q is there a charge for leaving
            do opt out of the whole thing
            """,
        ),
    ),
    "address_change": Intent(
        "any",
        Wordings(
            """
            do change my address
            do update my address
            fact I have moved
            fact I moved house
            ask change my address
            fact my address has changed
            fact I have a new address
            fact I moved {when}
            do change the address on my {account}
            """,
            """
            fact you still write to my old flat
            fact I live somewhere else now
            fact my post goes to the wrong house
            ask send letters to my new place from now on
            fact we got a new home in {month}
            fact my postcode is different now
            fact there is a mistake in my street
            do correct the house number you have for me
            ask put my new home in your files
            do give you my new street
            fact I am about to relocate
            fact I have left the country and you need to know where I live
            fact I am off to another city
            do tell you about my house move
            fact my letters come to my ex
            q where do I enter a new postcode
            fact I am no longer at the old place
            fact my flat number is missing in your records
            do edit where I live
            fact the council renamed our road
            do change where you send my post
            fact the landlord threw us out so write to me elsewhere
            """,
        ),
    ),
    "payment_not_recognised": Intent(
        "bank",
        Wordings(
            """
            fact there is a payment I don't recognise
            fact I don't recognise a payment on my account
            fact I did not make this payment
            fact there is a payment of {amount} I did not make
            fact someone used my {card}
            fact there is a charge from {merchant} I don't recognise
            fact I see a transaction I did not make
            fact there is a fraudulent payment on my account
            fact someone has used my {card} without permission
            """,
            """
            q what is this {amount} from {merchant}
            fact I have never bought anything at {merchant}
            fact {thief} is spending my money
            fact {thief} took {amount} out of my account
            fact money is going out and it is not me
            fact there is something strange on my statement
            fact I never paid {merchant}
            fact {merchant} took {amount} and I have never heard of them
            do dispute a payment to {merchant}
            fact my {card} is here but somebody paid with it
            fact my {card} was cloned
            q who is {merchant} and why have they got my money
            fact I was in bed when this purchase was made
            fact {amount} left my account by itself
            fact I have been hacked and {amount} is gone
            fact an unknown name shows up on my statement
            fact my {card} went shopping without me
            fact I have not been to {place} but my {card} has
            fact the {amount} on {date} was not me
            fact this purchase is a mystery to me
            fact I don't know the company that charged me
            q can you say what the {amount} on {date} is for
            fact somebody has my card number and uses it
            """,
        ),
    ),
    "payment_charged_twice": Intent(
        "bank",
        Wordings(
            """
            fact I was charged twice
            fact I have been charged twice
            fact I was charged twice by {merchant}
            fact my payment was taken twice
            q why was I charged twice
            fact I paid twice
            fact there is a duplicate payment on my account
            fact {merchant} charged me twice
            fact I was charged {amount} twice
            """,
            """
            fact {amount} went out two times
            fact I see the same payment again
            fact {merchant} took the money double
            fact the same {amount} shows up two times on my statement
            fact you took it once and then once more
            fact I pressed pay and it went off again
            fact one purchase, two payments
            fact {merchant} billed me double
            fact I only bought one but paid for two
            fact the same amount left my account on {date} and again the day after
            fact the till failed so I paid again and now both are gone
            fact I have a double entry on my statement
            fact the payment to {merchant} was repeated
            q why are there two of the same
            fact my {card} was run through the machine a second time
            fact {merchant} has had my money two times over
            fact I tapped once and paid double
            fact there is one payment too many to {merchant}
            fact {amount} is on there in two places
            ask take off the second {amount}, it is the same one
            fact the app hung and my payment went through a second time
            fact I was debited again for what I had already paid
            """,
        ),
    ),
    "transfer_not_received": Intent(
        "bank",
        Wordings(
            """
            fact my transfer has not arrived
            fact I have not received a transfer
            fact the {money} has not arrived in my account
            fact a transfer to my account is missing
            q where is my transfer
            fact my transfer is still not there
            fact the transfer I sent {when} has not arrived
            q why has my transfer not arrived
            fact I am waiting for a bank transfer
            """,
            """
            fact my boss paid me but nothing came in
            fact {money} sent to me {when} is not there
            q how long does it take for {money} to come in
            fact I sent {amount} to my brother and he has nothing
            fact my {money} is somewhere between two banks
            fact the landlord says my {money} never came
            fact my balance has not gone up
            fact I can't see what my mother sent me
            fact the {money} left there and has not landed here
            q when will the {money} from my other bank show up
            fact my friend has paid me but I see no {money}
            fact I moved {amount} over from savings and it is gone
            fact the person I paid says he has not got it
            fact nothing has been credited
            fact my {money} is lost in the system
            fact {amount} should have been in my account on the {day}
            fact the other side is waiting for my {money}
            fact my {money} went off {when} but it has not got there
            q has anything come in from abroad for me
            say I expected {money} on {date} and got none
            ask trace {money} that was sent to me
            fact payday came and went and my account is empty
            """,
        ),
    ),
    "transfer_cancel": Intent(
        "bank",
        Wordings(
            """
            do cancel a transfer
            do cancel my transfer
            ask cancel my transfer
            do stop a transfer
            fact I made a transfer to the wrong account
            ask stop the transfer I made {when}
            do reverse a transfer
            fact I sent {money} to the wrong person
            ask cancel the transfer of {amount}
            """,
            """
            ask call back the {money} I sent
            do get {money} back that I sent to the wrong account
            fact I typed one digit wrong and sent {amount} to a stranger
            do undo what I sent {when}
            ask hold the {amount} I have just sent
            fact I pressed send too early
            fact the account number I put in was wrong
            do recall a payment to another bank
            fact I sent {amount} too much
            fact I put a zero too many in the transfer
            say the {amount} must not be sent after all
            fact the {money} must not go out
            fact I paid the old landlord by mistake
            fact I have just sent {money} to a scammer
            do pull back a transfer
            q is it too late to stop what I sent
            fact I changed my mind about the {money} I am sending
            fact my {money} is on its way to the wrong place
            ask catch my transfer before it leaves
            fact I picked the wrong name from the list and sent {money}
            do take back {money} from somebody I paid in error
            fact I have sent the same transfer again by accident
            """,
        ),
    ),
    "fee_unexpected": Intent(
        "bank",
        Wordings(
            """
            q why was I charged a fee
            fact I was charged a fee
            q what is this fee
            fact there is a fee on my account
            fact I was charged a fee of {amount}
            q why do I have to pay a fee
            fact there is an extra charge on my statement
            fact you charged me a fee for a transfer
            fact I was charged a fee at the ATM
            """,
            """
            q why did you take {amount} for nothing
            q what is the {amount} you took for
            fact you helped yourselves to {amount}
            fact taking out cash cost me {amount}
            fact nobody told me it would cost {amount}
            fact it was said to be free but you took {amount}
            fact paying abroad cost me more than it should
            q since when does a transfer cost {amount}
            fact you added {amount} on top
            fact my account used to be free
            q do you now charge for taking out cash
            fact you took {amount} interest from me
            fact I only got {amount} out but more was taken
            fact the cost of using a machine abroad is a joke
            q what are you charging me for each month
            fact {amount} commission seems a lot
            fact I was punished with {amount} for going below zero
            fact the bank has dipped into my account again for {amount}
            fact there is a small sum missing after every payment abroad
            fact I was not told about the cost of a new {card}
            q why is a pound gone each time I pay
            fact sending {amount} cost me as much again
            """,
        ),
    ),
    "refund_request": Intent(
        "shop",
        Wordings(
            """
            say I want a refund
            do get a refund
            do request a refund
            say I want my money back
            ask refund my {order}
            ask give me a refund
            do get my money back
            ask refund me
            do return my {item} for a refund
            """,
            """
            ask send me back what I paid
            say I am not happy with the {item} and would like to be paid back
            do send the {item} back and have the money
            ask give the {amount} back to me
            do be reimbursed for the {item}
            ask put the {amount} back on my card
            say I want every penny of it back
            ask return my {amount}
            fact the {item} is not for me, I want what I paid for it
            do claim back the {amount}
            q am I entitled to anything when I don't like the {item}
            do start a return, I want no other {item}
            say I don't want another {item}, I want the cash
            ask make good the {amount} I spent
            q can I still bring back the {item} and be paid out
            fact the {item} goes back to you and the money to me
            do hand back the {item}
            say I demand to be compensated for the {item}
            ask pay me back
            do exchange the {item} for cash
            say I have the right to send it back within 14 days
            ask undo the sale of the {item}
            """,
        ),
    ),
    "refund_status": Intent(
        "shop",
        Wordings(
            """
            q where is my refund
            fact I have not received my refund
            q when will I get my refund
            fact my refund has not arrived
            fact I am still waiting for my refund
            do check the status of my refund
            q what is the status of my refund
            q how long does a refund take
            fact my refund is missing
            """,
            """
            fact I sent the {item} back {when} and no money has come
            q when do I get the money for the {item} I returned
            fact you said I would be paid back by {date}
            q has my money been sent back yet
            fact {ages} since I returned it and still nothing on my card
            fact you have the {item} and the money
            fact you promised me {amount} back {when}
            q what is going on with the {amount} you owe me
            fact my return is with you but not the cash with me
            fact the {amount} for the {item} is not back on my card
            q did you get my return and have you paid it out
            fact I was told to wait {count} days for my money
            q how is my return getting on
            fact the shop says you have my {amount}
            q any news on the money I was to get back
            fact you agreed to pay me back {when}, where is it
            fact I cancelled {when} and the money is not here
            fact I can't see the credit for the return
            fact only half of my refund came
            ask hurry up with my {amount}, you have had the {item} for {ages}
            fact I am out of pocket until you pay for my return
            ask check if my returned {item} was booked in
            """,
        ),
    ),
    "order_status": Intent(
        "shop",
        Wordings(
            """
            q where is my {order}
            do track my {order}
            q when will my {order} arrive
            fact my {order} has not arrived
            do check the status of my {order}
            q what is the status of my {order}
            fact I am still waiting for my {order}
            fact my {order} is late
            fact I have not received my {order}
            """,
            """
            q has my {order} been sent
            fact the tracking has not moved for {ages}
            q has the {item} left the warehouse
            fact I have been waiting for the {item} for {ages}
            q is my {item} coming today
            fact it should have been here {when}
            fact the courier never came
            fact I stayed in all day for the {item}
            q what day will the {item} be here
            fact it says delivered but there is nothing at my door
            fact the driver says he was here but I saw nobody
            fact I have heard nothing about my {order}
            fact the link for following my {order} is broken
            q how far away is my {order}
            q do you know where the driver is
            q did my {order} get lost on the way
            fact my {order} went to a neighbour I do not have
            ask tell me when to expect the {item}
            fact my {order} seems to travel round the country
            fact {ages} and no {item}
            q how much longer for the {item}
            ask find out what became of my {order}
            """,
        ),
    ),
    "order_cancel": Intent(
        "shop",
        Wordings(
            """
            do cancel my {order}
            ask cancel my {order}
            say I want to cancel my {order}
            do cancel an order I made {when}
            fact I ordered by mistake
            ask cancel {reference}
            do cancel the order for the {item}
            q can my {order} still be cancelled
            say I don't want my {order} any more
            """,
            """
            say you must not send the {item}
            say I no longer need the {item}
            do take back my {order} before it is sent
            ask stop my {order}
            fact I found the {item} cheaper so there is no need to send it
            fact I changed my mind about the {item}
            do call off my {order}
            do withdraw from buying the {item}
            fact my son ordered the {item} without asking
            q is it too late to say no to the {item}
            ask forget about the {item} I ordered
            ask scrap {reference}
            fact I clicked buy by accident
            say it takes too long so I don't want the {item}
            ask keep the {item}, I don't want it sent
            fact I ordered the {item} again by accident, one is enough
            do pull my {order} before the van leaves
            fact we have no use for the {item} after all
            ask make sure my {order} is never sent
            do get out of my {order}
            fact it was a slip of the finger that I bought the {item}
            ask void my {order}
            """,
        ),
    ),
    "item_missing": Intent(
        "shop",
        Wordings(
            """
            fact an item is missing from my {order}
            fact the {item} is missing from my {order}
            fact my {order} is incomplete
            fact there is an item missing
            fact I did not get all of my {order}
            fact part of my {order} is missing
            fact I only received half of my {order}
            fact one {item} was missing
            fact the {item} was not in the box
            """,
            """
            fact I paid for two but only one came
            fact the box came but the {item} was not in it
            fact the box was empty
            fact you forgot the {item}
            fact there is no {item} in the parcel
            fact the screws were not in with the {gadget}
            fact everything came except the {item}
            q where is the rest of my {order}
            fact I am one {item} short
            fact the {gadget} came without its cable
            fact you left something out
            fact the {item} on the packing list is not there
            fact I unpacked it all and there was no {item}
            fact it says three in the box and I count two
            q did you forget to pack the {item}
            fact the second parcel never came, just the first
            fact the {gadget} arrived without the lid
            fact somebody opened the parcel and took the {item}
            fact the delivery came but not with all I bought
            ask send the {item} you left out
            fact the manual and the plug did not come with it
            fact the set has only three of the four parts
            """,
        ),
    ),
    "item_damaged": Intent(
        "shop",
        Wordings(
            """
            fact my {item} arrived damaged
            fact the {gadget} is broken
            fact the {gadget} arrived broken
            fact my {order} is damaged
            fact I received a damaged {item}
            fact the {item} is damaged
            fact the {gadget} does not work
            fact the {gadget} is faulty
            fact my {order} arrived damaged
            """,
            """
            fact the {gadget} has a crack in it
            fact the {gadget} came in pieces
            fact there is a scratch all over the {item}
            fact the {item} was wet when it got here
            fact the {item} fell apart when I took it out
            fact there is a dent in the {gadget}
            fact the box looks like someone stood on it
            fact the {gadget} won't switch on
            fact the {item} has a hole in it
            fact the {gadget} stopped after {count} days
            fact one sleeve of the jacket is torn
            fact the {item} came with a stain
            fact it was smashed when I opened the box
            fact the {gadget} makes a strange noise
            fact the {gadget} is bent
            fact a corner of the {gadget} has come off
            fact the {item} is in a bad state
            fact the driver dropped the {item}
            fact the glass on it is shattered
            fact the {gadget} gave up the first time I used it
            fact my new {gadget} is dead
            fact the {item} looks as if it was used before
            fact the seam on the shirt has gone
            """,
        ),
    ),
    "item_wrong": Intent(
        "shop",
        Wordings(
            """
            fact you sent me the wrong {item}
            fact I received the wrong {item}
            fact I got the wrong {item}
            fact this is not what I ordered
            fact I received the wrong size
            fact the {item} is the wrong colour
            fact my {order} is wrong
            fact I got someone else's {order}
            fact you sent the wrong size
            """,
            """
            fact I ordered a {item} and got something else
            fact the {item} is blue and I ordered red
            fact I asked for a medium and this is a small
            fact the name on the parcel is not mine
            fact the {item} is not the one in the picture
            fact I have a {item} here that I never ordered
            fact instead of the {item} there was something else in the box
            fact there has been a mix up with my {order}
            fact this {item} is for a child, mine was to be for adults
            fact you swapped my {item}
            fact the {item} doesn't look like it did on your site
            fact the {item} is an old model, I bought the new one
            fact I bought black and it is white
            fact it is a left one, I need the right one
            fact I opened my parcel and found what another customer bought
            fact somebody else must have my {item} because I have theirs
            ask take this {item} back and send the one I bought
            fact the {item} is far too big, the label says XL and I ordered S
            fact the label says {item} but inside is another thing
            fact you mixed up two orders
            fact the version of the {item} is different from the one I paid for
            fact the number on the {item} does not match my order
            """,
        ),
    ),
    "internet_down": Intent(
        "telecom",
        Wordings(
            """
            fact my {internet} is not working
            fact my {internet} is down
            fact I have no {internet}
            fact the {internet} does not work
            q why is my {internet} not working
            fact my {internet} stopped working {when}
            fact there is no {internet} at home
            q is there an outage
            fact I can't connect to the {internet}
            """,
            """
            fact nothing loads at all
            fact the light on the router is red
            fact I am cut off from the world
            fact we have been offline since {date}
            fact my {internet} is dead
            fact no page opens on any device
            fact the router says no service
            fact the {internet} is gone
            fact the {internet} drops and does not come back
            q are you having problems in my street
            fact my {internet} has packed up
            fact I restarted the router and still nothing
            fact everything went dark {when}, no web, no mail
            q when will you fix the {internet}
            fact the {internet} went off {when}
            fact I can't get online
            fact I am using my phone because the {internet} gave up
            fact the whole street is offline
            fact someone dug up a cable and we have nothing
            fact the {internet} fails every evening
            fact the box in the hall is blinking and nothing works
            fact there is no signal from the wall
            ask get us back online
            """,
        ),
    ),
    "internet_slow": Intent(
        "telecom",
        Wordings(
            """
            fact my {internet} is slow
            fact my {internet} is very slow
            q why is my {internet} so slow
            fact the {internet} is too slow
            fact my {internet} speed is low
            fact I don't get the speed I pay for
            fact my {internet} has been slow for {ages}
            fact the {internet} is really slow in the evening
            do get a higher speed
            """,
            """
            fact it takes ages to load a page
            fact films keep stopping to load
            fact I only get {small} Mbit
            fact my {internet} crawls
            fact video calls freeze all the time
            fact everything loads one line at a time
            fact a snail is faster than my {internet}
            fact I make tea while a page loads
            fact the {internet} works but hardly moves
            fact I pay for 100 and get {small}
            fact the picture hangs every few seconds
            fact games lag so much that I lose
            q what is wrong with my speed
            fact the speed test says {small}
            fact the {internet} is nothing like as quick as you said
            fact one photo takes ten minutes to send
            fact my {internet} is down to a trickle
            fact the {internet} goes at the pace of {count} years ago
            ask speed up my {internet}
            fact we can't both work, the {internet} does not cope
            fact upload takes all night
            fact the {internet} gets worse when the kids are home
            """,
        ),
    ),
    "bill_too_high": Intent(
        "telecom",
        Wordings(
            """
            q why is my {bill} so high
            fact my {bill} is too high
            fact my {bill} is higher than usual
            fact my {bill} is wrong
            fact you charged me too much
            fact there is a mistake on my {bill}
            q why has my {bill} gone up
            fact I was overcharged
            fact my {bill} is {amount} more than last month
            """,
            """
            fact I normally pay half of that
            fact my {bill} has doubled
            q how did my {bill} get to {amount}
            fact {amount} for one month can't be right
            fact I nearly fell off my chair when I saw my {bill}
            fact you want {amount} from me this month
            ask check my {bill}, it looks off
            fact there are calls on my {bill} I never made
            fact my {bill} has extras I never asked for
            q what is all this on my {bill}
            fact the price went up and nobody told me
            fact the discount is not on my {bill}
            fact I was told {amount} a month and it is more
            fact my {bill} jumped in {month}
            fact I don't agree with the sum on my {bill}
            do dispute my {bill}
            fact my {bill} does not add up
            say you are asking for more than we agreed
            q since when do I pay {amount} a month
            fact I am paying through the nose
            fact {amount} for a few texts is daylight robbery
            fact my {bill} is through the roof
            """,
        ),
    ),
    "bill_copy": Intent(
        "telecom",
        Wordings(
            """
            do get a copy of my {bill}
            ask send me my {bill}
            say I need a copy of my {bill}
            q where can I find my {bill}
            do download my {bill}
            ask send me a copy of my {bill}
            fact I have not received my {bill}
            do see my {bill}
            ask email my {bill} to {email}
            """,
            """
            fact my accountant needs the {bill} for {month}
            q where do you keep the old ones of my {bill}
            ask print my {bill} and post it
            fact I can't open the pdf of my {bill}
            do have my {bill} on paper
            ask resend the {bill} for {month}
            fact I deleted the mail with my {bill}
            say I need proof of what I paid in {month}
            do look at what I paid last year
            fact there was no {bill} in my mail this month
            say I need something with my address on for the council, like a {bill}
            ask let me have all of last year on paper
            q do you still send a {bill} by post
            fact the {bill} in the app does not open
            say I need a receipt for {month}
            do save my {bill} as a file
            fact my tax office wants to see my {bill}
            ask forward the {month} one to {email}
            q which menu has my {bill}
            say I want the itemised version, with all the calls
            ask put my {bill} in the post once more
            fact the {bill} for {month} went to my old mail
            """,
        ),
    ),
    "plan_cancel": Intent(
        "telecom",
        Wordings(
            """
            do cancel my {plan}
            ask cancel my {plan}
            do end my {plan}
            say I want to cancel my {plan}
            do terminate my {plan}
            q when does my {plan} end
            do cancel my {plan} early
            do leave my {plan}
            q what is the notice period of my {plan}
            """,
            """
            do get out of my {plan}
            say you must not renew my {plan}
            fact I am switching to another provider
            fact I found a better deal somewhere else so I am off
            ask stop my {plan} at the end of {month}
            do give notice on my {plan}
            q how much do I pay to leave early
            say I don't want my {plan} to go on
            say I no longer need the {plan}
            say I will not stay for another year
            do take my number to another network
            ask let me go from my {plan}
            fact I am moving abroad and can't use the {plan} there
            q am I free to go in {month}
            do quit my {plan}
            fact the {plan} should not run any longer
            do drop the {plan} on my second phone
            ask put an end to my {plan}
            say this is my notice
            fact my {plan} renewed itself and I did not want that
            q what is the exit fee
            do wind up my {plan}
            """,
        ),
    ),
    "user_request_callback": Intent(
        "any",
        Wordings(
            """
            ask call me back
            ask call me
            ask give me a call
            ask call me back on {phone}
            ask ring me
            say I want a call back
            do request a call back
            ask phone me
            say I would like to be called back
            ask call me back {callslot}
            """,
            """
            ask give me a ring {callslot}
            ask get back to me by phone
            ask get in touch by phone
            ask give me a bell
            fact I am free for a call {callslot}
            ask try me on {phone}
            fact I missed your call
            fact you rang and I was in the shower
            q when will somebody ring
            fact I was told you would ring and you have not
            ask have a manager phone me {callslot}
            ask ring my mobile {callslot}, it is {phone}
            fact my phone is on {callslot}
            ask reach me on {phone}
            fact we got cut off, so please ring again
            ask arrange a call {callslot}
            do book a time for a call
            fact I can't hold any longer so you call me
            ask drop me a line on my mobile, {phone}
            fact I am waiting by the phone
            fact I was promised a call {when}
            ask get the person I spoke to {when} to ring
            """,
        ),
    ),
    "user_request_agent": Intent(
        "any",
        Wordings(
            """
            do speak to {agent}
            do talk to {agent}
            ask connect me to {agent}
            ask put me through to {agent}
            ask transfer me to {agent}
            do chat with {agent}
            say I need {agent}
            ask let me talk to {agent}
            q can I speak to {agent}
            """,
            """
            say I don't want to talk to a bot
            q is there {agent} here
            q are you a robot
            say you are a machine and you don't get it
            say I would rather have {agent}
            fact your menu goes round in circles, I want {agent}
            ask get me {agent}
            fact this bot is useless to me
            q what number do I ring for {agent}
            do have {agent} look at this
            do deal with {agent}
            ask hand me over to {agent}
            ask stop sending me to the faq
            q what do I press for {agent}
            fact I have pressed zero ten times
            say I want somebody to answer who can think
            q does {agent} ever read this
            do ask {agent} instead
            ask pass this on to {agent}
            say I need a voice, not a screen
            q which of you is not a computer
            say enough of the automatic answers
            """,
        ),
    ),
    "user_complaint": Intent(
        "any",
        Wordings(
            """
            do make a complaint
            say I want to complain
            do complain about your service
            say I am not happy with your service
            say your service is terrible
            do file a complaint
            say I am very disappointed
            q how do I make a complaint
            do complain about one of your staff
            """,
            """
            fact the man on the phone was rude to me
            fact I have never been treated like this
            say you are the worst company I know
            say I have had enough of you
            fact you keep passing me from one to the next
            fact I waited {ages} for an answer
            do tell your boss how bad you are
            fact I hung on for {count} hours on the phone
            fact nobody there cares
            fact your service has gone downhill
            do take this further
            fact your colleague put the phone down on me
            fact my complaint from {date} was ignored
            q who is responsible for this mess
            say it is a disgrace
            say you people are a joke
            do leave bad feedback about the branch
            fact the woman at the desk laughed at me
            say I will tell all my friends how you are
            fact this is the third time I write and nobody answers
            do raise this with the ombudsman
            say I expect an apology
            """,
        ),
    ),
    "order_change": Intent(
        "shop",
        Wordings(
            """
            do change my {order}
            do add something to my {order}
            ask change my {order}
            do change the size in my {order}
            do change the delivery date
            do change the delivery address of my {order}
            do edit my {order}
            do remove an item from my {order}
            ask change the colour of the {item}
            """,
            """
            do make it two of the {item}
            do have the {item} in red and not blue
            ask send the {item} on another day
            do have it sent to my office
            fact I picked the wrong size when I ordered
            ask put one more {item} in before you send it
            do swap the {item} for another before it is sent
            ask leave the {item} out but send the rest
            fact I won't be in on {date}, can it come later
            fact I typed the wrong street when I ordered
            do amend my {order}
            ask bring the {item} a day later
            fact I should have ordered a bigger {item}
            do pick it up at the shop and not have it sent
            fact I forgot to add a {item} when I ordered
            q is there still time to alter what I bought
            do pay for express on top
            ask make the {item} a gift with a card in it
            fact three is too many, I just want one {item}
            do update what I ordered {when}
            do move my delivery
            ask have the driver leave it with next door
            """,
        ),
    ),
    "payment_pending": Intent(
        "bank",
        Wordings(
            """
            fact my payment is pending
            q why is my payment still pending
            fact my payment is still pending
            fact a payment of {amount} is pending
            q how long will my payment be pending
            fact my card payment has been pending since the {day}
            fact my payment has not been processed
            fact the payment to {merchant} is still pending
            fact my transaction is pending
            """,
            """
            fact {amount} is held and not taken
            fact {merchant} has put {amount} on hold on my {card}
            fact the {amount} is grey in the app
            q when will the {amount} to {merchant} be booked
            fact my payment is stuck
            fact the hotel has blocked {amount} on my {card}
            fact it says in progress next to {merchant}
            fact my payment neither goes through nor comes back
            fact the {amount} hangs in the air
            q is the {amount} gone or not
            fact a deposit for the hire car is still on hold
            fact the app shows a little clock by my payment
            fact it has said processing for {ages}
            q what does pending mean next to {merchant}
            fact the petrol station has reserved {amount}
            fact my payment will not settle
            ask let go of the {amount} that {merchant} reserved
            fact my available balance is {amount} lower than the real one
            q when does a reserved sum become a real one
            fact my payment has been waiting for {ages}
            ask push through my payment to {merchant}
            fact {merchant} is still holding {amount}
            """,
        ),
    ),
    "card_damaged": Intent(
        "bank",
        Wordings(
            """
            fact my {card} is broken
            fact my {card} is damaged
            say I need a new {card} because mine is broken
            fact the chip on my {card} is broken
            fact my {card} broke
            fact my {card} is cracked
            do replace a damaged {card}
            fact my {card} snapped in half
            fact I broke my {card}
            """,
            """
            fact my {card} went through the wash
            fact the strip on my {card} is worn out
            fact the dog chewed my {card}
            fact my {card} is bent
            fact I can't read the numbers on my {card}
            fact my {card} is in two pieces
            fact I cut up the wrong {card}
            fact my {card} has a crack across the chip
            fact my {card} melted in the car
            fact the chip has come off my {card}
            fact I sat on my {card}
            fact my {card} is falling apart
            fact my {card} got wet and the chip is dead
            fact my toddler put my {card} in the toaster
            fact my {card} has seen better days
            fact the corner of my {card} is gone
            q can I tape a {card} together
            fact my {card} is peeling
            fact the name has rubbed off my {card}
            fact the {card} split down the middle
            fact I ran over my {card}
            """,
        ),
    ),
    "phone_number_change": Intent(
        "any",
        Wordings(
            """
            do change my phone number
            do update my phone number
            fact I have a new phone number
            fact my phone number has changed
            ask change my phone number
            do change my mobile number
            fact I changed my number
            do update the number on my {account}
            fact I have a new number, it is {phone}
            """,
            """
            fact the codes go to my old phone
            fact you text the wrong person
            fact I lost the old sim so the code can't reach me
            do give you my new mobile
            ask take {phone} as my number from now on
            fact the mobile you have for me is out of date
            say I no longer have the phone you send codes to
            fact {phone} is not mine any more
            ask use {phone} when you text me
            do move the log in codes to another phone
            fact you ring my old number
            fact I got a new sim with another number
            do register another mobile
            ask delete {phone}, it belongs to my ex
            fact there is a wrong digit in my mobile
            do swap the mobile in my details
            fact the security code is sent to a phone I sold
            q where do I enter a new mobile
            fact my work phone was taken away, here is the private one
            do link a different phone to my {account}
            ask correct my mobile in your files
            """,
        ),
    ),
    "direct_debit_cancel": Intent(
        "bank",
        Wordings(
            """
            do cancel a direct debit
            do cancel my direct debit
            ask cancel my direct debit
            do stop a direct debit
            do cancel the direct debit to {merchant}
            do cancel a standing order
            ask stop the direct debit to {merchant}
            do cancel a regular payment
            q can I cancel a direct debit in the app
            """,
            """
            fact {merchant} should not take money each month any more
            do stop {merchant} from taking {amount} a month
            do end my standing order for the rent
            say {merchant} must not take any more
            fact {merchant} keeps taking money though I left
            fact I left the gym but they still collect
            do withdraw my mandate
            fact the monthly {amount} must stop
            do switch off the payment that goes out on the {day}
            ask block {merchant} from collecting
            do get rid of a regular payment
            say I no longer want {amount} to leave on the {day} of the month
            do turn off an automatic payment
            do revoke the permission for {merchant}
            ask turn away the next collection by {merchant}
            fact the insurance still collects {amount}
            do put a stop to what goes out each month
            q how do I end what {merchant} takes each month
            do delete a standing order
            fact my old phone company still helps itself each month
            do pull out of an automatic payment
            """,
        ),
    ),
    "plan_upgrade": Intent(
        "telecom",
        Wordings(
            """
            do upgrade my {plan}
            ask upgrade my {plan}
            do get more data
            do change to a bigger {plan}
            do upgrade to unlimited
            say I need more data
            do add data to my {plan}
            do upgrade my phone
            q what {plan} do you have with more data
            """,
            """
            fact my data never lasts the month
            do move up to the next {plan}
            fact I ran out of data on the {day}
            do go for the big one
            ask put me on the unlimited one
            q what would {small}0 GB cost me
            do pay more and have more
            do get a better {plan}
            say I want calls abroad in my {plan}
            q am I due a new phone
            do boost my data
            do switch up from the basic {plan}
            do swap my handset for the new model
            ask raise my data limit
            fact 5 GB is not enough for me
            do have what my brother has, he gets twice the data
            q which {plan} is one size up
            do extend my {plan} with more minutes
            do top up my data for the rest of the month
            q what deals are there for people who stay
            say I need a larger {plan} for the family
            """,
        ),
    ),
    "roaming_info": Intent(
        "telecom",
        Wordings(
            """
            do use my phone abroad
            q what does roaming cost
            q can I use my data abroad
            fact I am going abroad
            do turn on roaming
            q how much is roaming
            fact roaming does not work
            q does my {plan} include roaming
            do use my {plan} on holiday
            """,
            """
            fact I fly to Spain on {date}, will my phone work
            q will a call home from Turkey cost me
            q what do I pay per minute in the States
            fact I landed and my phone finds no network
            q is Switzerland in the zone
            q can I watch films on my phone in Greece
            do be sure I pay nothing extra on a cruise
            fact I am at the airport and have no bars
            q do my gigabytes count in Norway
            fact we will be in Canada for {ages}
            do stop my phone running up costs overseas
            q are texts from Italy free
            ask switch on my phone for other countries
            q which countries are in my {plan}
            fact I drove over the border and got a warning text
            q is there a day pass for travel
            do phone home from a trip
            q what about data in Japan
            fact I am on a ship and it wants {amount}
            do take my minutes with me on holiday
            fact my phone is silent since we crossed the border
            """,
        ),
    ),
    "sim_activate": Intent(
        "telecom",
        Wordings(
            """
            do activate my sim
            do activate my sim card
            ask activate my sim
            fact my new sim does not work
            fact my sim card is not active
            do activate my new sim card
            q how long does it take to activate a sim
            do set up an esim
            fact my sim is not working
            """,
            """
            fact I put the new chip in and it says no service
            do get my new number going
            ask switch on my sim
            fact the new sim is dead
            fact my phone says invalid sim
            do start using the card you sent for my phone
            fact I scanned the code for the esim and nothing happens
            q when does the new sim come alive
            fact I don't know what to do with the little chip you sent
            do put my sim into service
            fact the sim came today, what next
            do get the second sim up and running
            fact I can't register my sim
            fact the page to start my sim gives an error
            q which number do I text to start my sim
            fact my tablet does not see the sim
            do bring over my old number to the new sim
            fact emergency calls only, with the new sim in
            ask turn on the chip I got in the post
            do load the esim on my watch
            fact the puk letter came but the sim does nothing
            """,
        ),
    ),
}
