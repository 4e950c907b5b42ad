"""The mobile SDK's messages and their meaning: service activation, CarKey, error codes. Pure: text in, findings out.

Facts are those of the car maker's public SDK documents (2022-06 to 2024-03, SDK 2.0 to 2.3); each row of a table names
the page it comes from. Where the documents contradict one another, `spellings` says what is taken for the same.

    sdk         the calls, the steps, the services: one table each
    errors      the SDK's error codes, what each means and how it is handled
    spellings   one name for what the documents spell in several ways
    tolerant    JSON as people paste it, with places
    masking     secrets out of text, before anything else looks at it
    reading     read(): what one message says
    outcomes    what a call came to: the one language of rehearsal and trace check
    machine     the state machine: advance() leads both of them from state to state
    rules       what an app must not do in which state, and what a trace is checked against
    rehearsal   step(): a simulated phone, account, vehicle and core that answer as the SDK would
    situations  what can be tried in a rehearsal: situations, calls filled in, what to call next
    traces      check(): a recorded trace, line by line
    snippets    each call in Kotlin and Swift, filled in; and the recorder that writes traces
    samples     two traces to try, a right one and a wrong one
    messages    the words
"""
