"""EPCIS 2.0 and CBV 2.0: identity, event hash, validation and the ledger's rules.

What other rooms use, each pure but `state`:

- `identity.identify(text) -> Identity | None` and `identity.canonical(text) -> str`: an EPC URN
  or any Digital Link, as typed columns and as the one canonical address;
  `identity.epc_urn(identity, prefix_length)` back; `patterns.like_pattern(text)` for MATCH_.
- `event_hash.event_hash(event, context=None) -> str`, `event_hash.hashes(document)`: the `ni:`
  address of an event.
- `validation.problems(document) -> list[Problem]`: what is wrong with the form of a document.
- `rules.breaches(event, state, policy) -> list[Breach]` and `state.states_of(session, events)`:
  what the ledger's own rules say, each switched off, to warn or to refuse by a `Policy`.
- `vocabulary`: the words of CBV 2.0.
"""
