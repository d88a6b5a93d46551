"""Would the tests notice? Changes of the code that decides, one spot at a time, judged by the tests beside it.

`scope.toml` says which files, which tests judge each of them, and which changes no test can notice. mutmut changes what
stands inside functions (`functions.py`). It leaves out what runs when a module is loaded: constants, limits, tables and
decorated functions; `declarations.py` changes those.
"""
