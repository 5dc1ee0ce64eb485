"""What kaowu tells people: one Message class per fact, who hears it, and how it is put into words.

Words live in templates/notifications/, sentences for refusals in templates/refusals*. Nothing here sends: messages
become rows through Tx.notify in the transaction that made them true.
"""
