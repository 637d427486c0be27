"""The editor door: a language server on pygls (the extra `lsp`).

Invariant: what an editor shows for a text is what the command would print if the text were saved; nothing outside this
package imports pygls.
"""
