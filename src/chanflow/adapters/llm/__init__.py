"""Asking language models. Only this folder knows pydantic-ai, which only the modules that say so import.

`mind.ModelMind` is the door (a `domain.question.Mind`); `providers` says where models live, `cassette` keeps what they
answered, `scripted` is a server that answers by a script.
"""
