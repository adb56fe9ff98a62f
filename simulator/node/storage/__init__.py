"""A node's three text files, over any disk: the real one and the virtual one run this same code.

Reading order: `disk`, `real_disk`, `journal`, `chain_file`, `blog_file`, `storage`, `lock`.
"""
