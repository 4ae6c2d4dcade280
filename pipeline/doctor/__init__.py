"""The arguments of `run` -> everything that can be found out before a job is paid for.

    options    what the options say, and whether they agree with each other and with this machine's versions
    places     whether input, output and temporary folder are reached, read and written
    estimate   what the input's size asks of memory and disk
    shipping   the job's graph, and whether its functions load on a worker
    examine    all of these, in the order in which they make sense

Each check gives findings; nothing is raised, so that one run shows all that is wrong.
"""
