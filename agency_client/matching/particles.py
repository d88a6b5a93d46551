"""Words in names that tell little of who somebody is: articles, particles, titles, syllables that half a nation shares.

They count for little when they are there and for nothing when they are missing.
"""

PARTICLE_WEIGHT, COMMON_WEIGHT, FULL_WEIGHT = 0.1, 0.35, 1.0

_ARTICLE_WORDS = """
al el ul il ar er ur as es us an en un ad ed ud at et ut az ez uz ash esh ush ach ech adh eddine
"""
_PARTICLE_WORDS = """
al el ibn bin ben bint b d de del della dela di da do dos das du des van von der den ten ter zu zum zur af av of y e i
бин ибн аль эль фон ван де да ди дер ابن بن بنت آل ال בן בת אל
"""
_COMMON_WORDS = """
thị thi văn abu abou abo umm bey pasha paşa pasa pascha pacha khan hoca hodja efendi haji hadji hajji mirza munshi
sheikh shaykh sayyid syed seyed sir don doña dona dr prof mr mrs ms ابو أبو باشا خان бей паша хан
"""

ARTICLES = frozenset(_ARTICLE_WORDS.split())
"""The Arabic article as it is written after `Abd`, its consonant given up to the next one or not."""
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_COMMON = frozenset(_COMMON_WORDS.split())


def weigh_word(word: str) -> float:
    """Return what a word in lower case counts for in a name."""
    if word in _COMMON:
        return COMMON_WEIGHT
    return PARTICLE_WEIGHT if word in _PARTICLES else FULL_WEIGHT
