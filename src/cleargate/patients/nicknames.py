"""Given names that stand for one another, common in the United States. Data, not rules."""

_GROUPS = """
abigail abby abbie gail
alexander alex al sandy xander
alexandra alexandria alex sandra lexi
alfred al fred alfie
allison alison allie ali
andrew andy drew
angela angie
ann anne anna annie nancy
anthony tony
barbara barb barbie babs
benjamin ben benny benji
bradley brad
catherine katherine kathryn kate katie cathy kathy kay kit
charles charlie chuck chas
christina christine chris tina chrissy
christopher chris topher kit
cynthia cindy
daniel dan danny
david dave davey
deborah debra deb debbie
dolores lola
donald don donnie
dorothy dot dottie dolly
douglas doug
edward ed eddie ted ned
eleanor ellie nell nora
elizabeth liz lizzie beth betsy betty eliza libby lisa
emily em emmy
eugene gene
evelyn eve evie
frances fran francie
francis frank frankie
francisco paco pancho frank
frederick fred freddie rick
gabriel gabe
gerald gerry jerry
gregory greg
guadalupe lupe
harold harry hal
helen nell
henry hank harry
isabella isabel bella izzy
jacob jake
jacqueline jackie
james jim jimmy jamie
jeffrey geoffrey jeff geoff
jennifer jen jenny
jessica jess jessie
jesus chuy
john johnny jack
jonathan jon
jose pepe
joseph joe joey
joshua josh
juan johnny
judith judy
kenneth ken kenny
kimberly kim
lawrence laurence larry
leonard leo len lenny
louis lewis lou
manuel manny
margaret maggie meg peggy marge margie greta
maria marie mary
martha marty patty
matthew matt
maximilian max
melissa missy mel
michael mike mikey mick
michelle shelly
mildred millie
mitchell mitch
nathaniel nathan nate nat
nicholas nick nicky
nicole nikki
pamela pam
patricia pat patty patti tricia trish
patrick pat paddy
peter pete
philip phillip phil
rachel rae
raymond ray
rebecca becky becca
richard rich rick ricky dick
robert rob robbie bob bobby bert
ronald ron ronnie
rosemary rose
russell russ
samantha sam
samuel sam sammy
sandra sandy
santiago jimmy
sarah sara sally sadie
stephanie steph
stephen steven steve
susan suzanne sue susie suzie
teresa theresa terry tess
theodore ted teddy theo
thomas tom tommy
timothy tim timmy
valerie val
veronica ronnie
victoria vicky tori
vincent vince vinny
virginia ginny
walter walt wally
william will bill billy willie liam
yolanda yoli
zachary zach zack
"""

_GROUPS_OF = dict[str, frozenset[int]]()
for _number, _line in enumerate(_GROUPS.split("\n")):
    for _name in _line.split():
        _GROUPS_OF[_name] = _GROUPS_OF.get(_name, frozenset()) | {_number}


def same_person_may_use(one: str, other: str) -> bool:
    """Whether two plain lower-case given names are forms of one name: `bill` and `william`."""
    return not _GROUPS_OF.get(one, frozenset()).isdisjoint(_GROUPS_OF.get(other, frozenset()))
