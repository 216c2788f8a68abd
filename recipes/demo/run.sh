#!/usr/bin/env bash
# The recipe as a script: train each contender, compare them. Stopped and run again, it goes on where it was.
# Options go to every training, for example: recipes/demo/run.sh --device cpu
set -euo pipefail
recipe="$(cd "$(dirname "$0")" && pwd)"
runs="runs/$(basename "$recipe")"
contenders=(transformer lstm gru rnn lstm-no-attention)
for contender in "${contenders[@]}"; do
    seq2seq train "$recipe/$contender.yaml" --out "$runs/$contender" "$@"
done
seq2seq compare "${contenders[@]/#/$runs/}" --out "$runs/compare"

translations="$runs/translations.txt"
seq2seq translate "$runs/transformer" "$recipe/examples.txt" -o "$translations"
echo
echo "What the transformer makes of recipes/demo/examples.txt (in $translations):"
paste -d '\n' "$recipe/examples.txt" "$translations"
