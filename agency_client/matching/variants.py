"""Given names and family names that are one name in several languages, where spelling alone does not show it.

Each line is one name: the forms it has, in a–z as `letters.strip_marks` leaves them. Only forms that stand for each
other in documents of one person are here; that `Ivan` and `John` have one origin does not make them one name.

Sources: the Arabic, Persian and Turkish forms are those of the romanization tables of ALA-LC, BGN/PCGN and the usual
French spellings of the Maghreb; the Chinese family names those of the Hong Kong, Wade-Giles and pinyin romanizations;
the Korean ones those in passports beside the Revised Romanization; the rest are the exonyms of dictionaries of names.
"""

from functools import lru_cache

_FAMILIES = """
mohammed muhammad mohamed mohammad mohamad muhammed mehmed mehmet mahomet mamadou muhamed mhmd mokhammed magomed
ahmed ahmad ahmet akhmed akhmad achmed hmad
mahmud mahmoud mahmood mahmut makhmud
mustafa mostafa moustapha mustapha mustafo
yusuf yousef youssef yousuf jusuf jussuf josef joseph iosif yosef yosif osip jozef giuseppe jose
ibrahim ebrahim brahim ibragim abraham avraham avraam avram abram
ismail ismael ismayil esmail ismoil smail
ishaq isaac isaak ishak yitzhak itzhak isaq
yaqub jacob jakob yakub yakov iakov yaakov jakub jacques
musa moussa moses moshe moise mousa moisei
daud dawud david dawood davud daoud dovud davit
sulayman sulaiman suleiman soliman suleyman solomon sulejman shlomo
isa issa eissa jesus
yahya iahia jahja
ayyub ayoub eyyub ayub
umar omar omer umer ömer
uthman othman osman usman ousmane
ali aly alii
hasan hassan hassane
husayn hussein husain hossein hussain hocine husein khusein hussayn
khalid khaled haled chalid halid
said saeed saaid sayyed
khadija khadijah hatice khadidja hadija
aisha aicha ayse aysha aischa
fatima fatma fatemeh fatimah fatoumata
maryam maria mary miriam mariam marie meryem marija mariya
alexander aleksandr alexandre alexandros iskandar iskender oleksandr aleksander alessandro alejandro aleksandar sasha
alexei aleksei oleksii aleksej alexis alexey
andrew andrei andriy andrzej andreas andrej andre andres
anthony anton antonin antoine antonio antonius antoni
basil vasil vasily vasilij wassily vassily vasyl vasilios wasyl
catherine ekaterina katarzyna kateryna katherine katharina katerina
charles karl carl carlos karel karol carlo
constantine konstantin konstantinos kostis kostas constantin
dimitri dmitri dmitry dimitrios dmytro dimitar demetrius dymitr
elias ilya ilia illia ilyas elijah eliyahu
elizabeth yelizaveta elizaveta elisabeth elzbieta yelyzaveta
eugene yevgeny evgenii evgeny yevhen evgeni eugen jewgeni
theodore fyodor theodoros fedor fedir teodor theodor feodor tewodros theodros
francis franciszek francisco francesco francois franz frantisek ferenc
frederick frederik friedrich fryderyk frederic
george georgios georgy giorgi georg georgi georges jiri jerzy yuri iurii juri heorhii yurii gjergj giorgio jorge georgij
gregory grigory grzegorz hryhorii gregorios grigor gregor
helen elena olena yelena helena eleni
henry henryk heinrich henrik genrikh henri enrique hendrik jindrich
hovhannes ovanes hovannes ohannes
ignatius ignacy ignati ignacio
john johannes jan jean johann
julius juliusz yuliy iulii
lawrence lavrenty lorenz laurent lavrentii
leo lev lew leon levko
louis ludwig luis ludvig lajos louise ludovit
luke lukas luca lukasz luka
mark marko marek markus marco marc
matthew matvei mateusz matthias matthaus matthieu mateo
maurice maurycy moritz mauricio
michael mikhail mykhailo michal michel miguel mihail mihai michail mihaly mikhael
nicholas nikolai nikolaos mykola nikola mikolaj nicolas nicolaus nikolaus niko nikolay nikolaj miklos
paul pavel pavlo pawel pablo paulo pavlos paolo pal pavol
peter pyotr petro piotr petr pierre pedro petros petar pietro
philip filipp filip philippe philippos felipe
sebastian sebastien sebastiao
sergius sergei serhii sergey serge sergej sergueï
simon symon semyon szymon simeon simone shimon
stephen stepan stefan istvan szczepan stefanos stjepan stephan etienne esteban
susan zuzanna susanna suzanne shoshana
thaddeus tadeusz faddei
thomas tomas tomasz toma foma tommaso
vladimir volodymyr wladimir wlodzimierz uladzimir
walter valter
wenceslas vaclav waclaw vyacheslav
william wilhelm guillaume vilhelm guillermo willem vilmos guglielmo
xavier javier ksawery
joao yoan ioannis giovanni ioann
chan chen chin tan
cheung zhang chang teo
chow zhou chou chau
ho he
hsu xu hui
huang wong hwang ng
kwok guo kuo
lam lin lim
lau liu
lee li yi rhee lei
leung liang
mak mai
tsai cai choi
tse xie hsieh
tsui cui
wang wong ong heng
wu ng woo
yeung yang
yip ye yeh
zheng cheng teng
zhao chao chiu
zhu chu choo
kim gim
park pak bak
choi choe
jung jeong chung chong
cho jo
kang gang
yoon yun
lim im rim
shin sin
ryu yu yoo
ahn an
noh roh no
suh seo so
kwon gwon
"""


def _list_groups() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for number, line in enumerate(_FAMILIES.split("\n")):
        for form in line.split():
            groups.setdefault(form, set()).add(number)
    return {form: frozenset(numbers) for form, numbers in groups.items()}


_GROUPS = _list_groups()
_NONE: frozenset[int] = frozenset()


@lru_cache(maxsize=65_536)
def find_groups(readings: tuple[str, ...]) -> frozenset[int]:
    """Return the names that one of these readings is a form of, as numbers of this table alone."""
    return _NONE.union(*(_GROUPS.get(reading, _NONE) for reading in readings))
