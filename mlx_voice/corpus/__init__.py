"""Features of a whole corpus, computed once and found again.

items      the clips of a folder, from whatever list it has; form: what is computed of them, and with what
workers    sound and text of one clip made ready, in processes; pitch, durations: what needs no network
networks   what needs one, in the engine's thread
clipfile   one clip's features as a file; store: where the files are; index: what is known of each
run        precompute: what is missing, batch by batch, behind it the writing; shards: on several machines
dataset    `Corpus`; collate: clips as one batch; status, export, report: looking at a store
"""
