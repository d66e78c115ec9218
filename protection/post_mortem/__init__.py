"""After an incident: what happened, why, what it cost, and what to change, from the ledger alone.

The rooms: ``timeline`` (entries as typed steps), ``incidents`` (where one begins and ends),
``attribution`` (profit and loss in parts that sum exactly), ``market`` (what prices did),
``causes`` (explicit rules and their points), ``advice`` (settings to change, with evidence),
``performance`` (before, during, after), ``counterfactual`` (the log with other settings),
``findings`` (the records of an analysis), ``words``, ``markdown``, ``page`` and ``pictures`` (for
people), ``analyzer``
(:class:`~protection.post_mortem.analyzer.PostMortemEngine`).
"""
