"""The completion scripts of bash, zsh and fish for a tree of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.completion_tree import COMMAND, FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.cli.completion_tree import Node, Option

_BASH = """\
# Completion of kittiwake for bash: source <(kittiwake completion bash)
_kittiwake() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local place="" word option="" dictionary=() arguments=0 i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$option" in
            -d|--dictionary|--topology) dictionary=("$option" "$word") ;;
        esac
        if [[ -n $option ]]; then option=""; continue; fi
        case "$place/$word" in
@transitions@) place="${place:+$place }$word" ;;
@valued@) option=$word ;;
            *) [[ $word == -* ]] || ((arguments++)) ;;
        esac
    done
    if [[ -n $option ]]; then
        case "$place/$option" in
@values@        esac
        return
    fi
    if [[ $current == -* ]]; then
        case "$place" in
@options@        esac
        return
    fi
    case "$place/$arguments" in
@arguments@    esac
}
_kittiwake_words() { COMPREPLY=($(compgen -W "$1" -- "$current")); }
_kittiwake_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); }
_kittiwake_commands() {
    _kittiwake_words "$(kittiwake completion commands "${dictionary[@]}" 2>/dev/null)"
}
complete -F _kittiwake kittiwake
"""

_ZSH_HEAD = """\
# Completion of kittiwake for zsh: source <(kittiwake completion zsh)
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
"""

_ZSH_TAIL = """\
_kittiwake_zsh() {
    emulate -L zsh
    setopt ksh_arrays sh_word_split
    local -a COMP_WORDS COMPREPLY
    local COMP_CWORD=$((CURRENT - 1))
    COMP_WORDS=("${words[@]}")
    _kittiwake
    (( ${#COMPREPLY[@]} )) && compadd -a COMPREPLY
}
_kittiwake_words() { COMPREPLY=($1); }
_kittiwake_files() { emulate -L zsh; setopt ${_comp_options:-localoptions}; _files; }
_kittiwake_commands() {
    _kittiwake_words "$(kittiwake completion commands "${dictionary[@]}" 2>/dev/null)"
}
compdef _kittiwake_zsh kittiwake
"""


def bash(nodes: Sequence[Node]) -> str:
    """The script for bash."""
    script = _BASH
    for name, rows in _cases(nodes).items():
        script = script.replace(f"@{name}@", rows)
    return script


def zsh(nodes: Sequence[Node]) -> str:
    """The script for zsh: the function of bash's, and zsh's own way to be asked and to answer."""
    script = bash(nodes)
    function = script[script.index("_kittiwake() {") : script.index("_kittiwake_words() {")]
    return _ZSH_HEAD + function + _ZSH_TAIL


def _cases(nodes: Sequence[Node]) -> dict[str, str]:
    """The branches of the `case` statements in the script."""
    transitions, valued, values, options, arguments = [], [], [], [], []
    for node in nodes:
        path = " ".join(node.words)
        if not node.kinds:
            transitions += [f'"{path}/{word}"' for word, _ in node.follows]
        for option in node.options:
            if option.takes_value:
                names = "|".join([f'"{path}/{name}"' for name in option.names])
                valued.append(names)
                values.append(_branch(names, _value(option), 12))
        if node.options:
            words = " ".join([name for option in node.options for name in option.names])
            options.append(_branch(f'"{path}"', f"_kittiwake_words '{words}'", 12))
        arguments += [_branch(f'"{path}/"{number}', action, 8) for number, action in _arguments(node)]
    indent = " " * 12
    return {
        "transitions": indent + "|".join(transitions),
        "valued": indent + "|".join(valued),
        "values": "".join(values),
        "options": "".join(options),
        "arguments": "".join(arguments),
    }


def _branch(pattern: str, action: str, indent: int) -> str:
    return f"{' ' * indent}{pattern}) {action} ;;\n"


def _value(option: Option) -> str:
    if option.choices:
        return f"_kittiwake_words '{' '.join(option.choices)}'"
    return "_kittiwake_files" if option.kind == FILE else ":"


def _arguments(node: Node) -> list[tuple[str, str]]:
    """What completes each argument, by its number from 0; the last one stands for all that follow."""
    if node.follows:
        return [("0", f"_kittiwake_words '{' '.join([word for word, _ in node.follows])}'")]
    actions = {FILE: "_kittiwake_files", COMMAND: "_kittiwake_commands"}
    last = len(node.kinds) - 1
    return [(str(number) if number < last else "*", actions.get(kind, ":")) for number, kind in enumerate(node.kinds)]


def fish(nodes: Sequence[Node]) -> str:
    """The script for fish."""
    lines = [
        "# Completion of kittiwake for fish: kittiwake completion fish | source",
        "function __kittiwake_at",
        "    set -l words (commandline -opc)",
        '    set -l given "$words[2..-1] "',
        '    string match -q -- "$argv *" $given; or test -z "$argv"',
        "end",
        "complete -c kittiwake -f",
    ]
    for node in nodes:
        path = " ".join(node.words)
        if node.follows:
            used = " ".join([word for word, _ in node.follows])
            condition = f"__kittiwake_at {path}; and not __fish_seen_subcommand_from {used}"
            for word, summary in node.follows:
                lines.append(f"complete -c kittiwake -n {_quoted(condition)} -a {word} -d {_quoted(summary)}")
        at = _quoted(f"__kittiwake_at {path}")
        if FILE in node.kinds:
            lines.append(f"complete -c kittiwake -n {at} -F")
        if COMMAND in node.kinds:
            lines.append(f"complete -c kittiwake -n {at} -a '(kittiwake completion commands 2>/dev/null)'")
        lines += [_fish_option(at, option) for option in node.options]
    return "\n".join(lines) + "\n"


def _fish_option(at: str, option: Option) -> str:
    words = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    if option.takes_value:
        words.append("-r -F" if option.kind == FILE else "-x")
    if option.choices:
        words.append(f"-a {_quoted(' '.join(option.choices))}")
    return f"complete -c kittiwake -n {at} {' '.join(words)} -d {_quoted(option.help)}"


def _quoted(text: str) -> str:
    """A word in fish's single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


SCRIPTS: dict[str, Callable[[Sequence[Node]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""Shell -> what writes its script."""
