"""`python -m seq2seq`, the same as `seq2seq`."""

from seq2seq.cli.main import main

main()
