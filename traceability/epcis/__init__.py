"""EPCIS 2.0 and CBV 2.0: identity, event hash, validation and the ledger's rules.

What other rooms use, each pure but `state`:

- `identity.identify(text) -> Identity | None` and `identity.canonical(text) -> str`: an EPC URN
  or any Digital Link, as typed columns and as the one canonical address;
  `identity.epc_urn(identity, prefix_length)` back; `patterns.like_pattern(text)` for MATCH_.
- `event_hash.event_hash(event, context=None) -> str`, `event_hash.hashes(document)`: the `ni:`
  address of an event.
- `validation.problems(document) -> list[Problem]`: what is wrong with the form of a document.
- `state.ledger_breaches(session, events, *, organisation_id, policy) -> list[list[Breach]]`: what
  the ledger's own rules say of a batch of events that are about to be recorded, each switched off,
  to warn or to refuse by a `rules.Policy`; `rules.is_refused(breaches)`. Pure: `rules.judged`.
- `vocabulary`: the words of CBV 2.0.
"""
