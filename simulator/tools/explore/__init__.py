"""Seeds by the thousand: each is a hostile plan, run and judged in the virtual world; what fails is made small.

Reading order: `batch`, `seeds`, `engine`, `shrink`, `findings`, `tell`, `command`.
"""
