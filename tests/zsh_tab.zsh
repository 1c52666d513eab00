# What zsh offers on Tab after $1, and what stands in the line then: typed into a zsh in a terminal of its own.
zmodload zsh/zpty
zpty shell 'PS1= TERM=dumb zsh -f -i'
zpty -w shell 'cd /shells; PATH=/shells/bin:$PATH; fpath=(/shells/fp $fpath); autoload -Uz compinit; compinit -u -D'
zpty -w shell 'LISTMAX=10000; bindkey "^I" complete-word; bindkey "^O" what; what() { print -r -- "LINE<$BUFFER>" }; zle -N what'
zpty -w shell 'print READY-$((1 + 1))'
zpty -r shell output '*READY-2*'
zpty -w -n shell "$1"$'\t'$'\x0f'
zpty -r shell output '*LINE<*>*'
print -r -- $output
