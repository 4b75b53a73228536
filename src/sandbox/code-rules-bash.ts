import type { CodeRules, CodeWish } from './code-wish.ts'

const COMMANDS: readonly (readonly [RegExp, CodeWish])[] = [
  [/^(?:curl|wget|nc|ncat|netcat|socat|ssh|scp|sftp|rsync|telnet|ftp|dig|nslookup|host|openssl)$/, 'network'],
  [/^(?:eval|source|\.|exec|trap|alias|enable|builtin)$/, 'code'],
  [
    /^(?:nohup|setsid|disown|at|batch|crontab|systemctl|systemd-run|sudo|su|doas|unshare|nsenter|chroot|mount|strace|gdb|kill|pkill|killall)$/,
    'processes',
  ],
  [/^(?:printenv|env|export|declare|set)$/, 'secrets'],
]

export const bashRules: CodeRules = (node, _imports, say) => {
  if (node.kind === 'command_name') {
    const [word] = node.children
    if (word && (word.kind !== 'word' || /[\\'"$`]/.test(word.text)))
      return say('a command whose name is made while it runs', 'code')
    const name = node.text.slice(node.text.lastIndexOf('/') + 1)
    const [, wish] = COMMANDS.find(([pattern]) => pattern.test(name)) ?? []
    if (wish) say(name, wish)
  }
  if (node.kind === 'declaration_command' && /^(?:export|declare)(?: -p)?\s*$/.test(node.text))
    say('listing of variables', 'secrets')
  if (node.kind === 'process_substitution') say('process substitution', 'processes')
  if ((node.kind === 'word' || node.kind === 'string_content') && /\/dev\/(?:tcp|udp)\b/.test(node.text))
    say('network by redirection', 'network')
}
