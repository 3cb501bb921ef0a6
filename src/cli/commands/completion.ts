import { command } from '../command.ts'
import { completionFor, SHELLS } from '../completion.ts'

export const COMPLETION = command({
  summary: 'print a script that completes commands and options in your shell',
  names: [{ shown: SHELLS.join('|'), choices: SHELLS }],
  options: {},
  examples: [
    ['source <(sallyport completion bash)', 'in ~/.bashrc'],
    ['sallyport completion zsh > "${fpath[1]}/_sallyport"', 'for zsh'],
    ['sallyport completion fish > ~/.config/fish/completions/sallyport.fish', 'for fish'],
  ],
  async run(_, [shell], commands) {
    process.stdout.write(completionFor(shell, commands))
    return 0
  },
})
