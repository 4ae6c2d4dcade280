"""The arguments of `run` -> all that can be checked before a job is paid for.

    finding    the result of a check: a level, what it is about, one sentence
    options    whether the options agree with each other, with the settings and with this machine's versions
    access     whether the input can be read, and the output and the temporary folder can be written
    estimate   how much memory and disk an input of this size needs
    job_graph  how large the job's graph is, and whether its functions load on a worker
    pickles    the functions in that graph, loaded in a fresh interpreter
    examine    all checks, in an order that makes sense

A check returns findings and raises nothing, so that one run shows everything that is wrong.
"""
