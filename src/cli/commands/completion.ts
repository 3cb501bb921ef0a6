import { command } from '../command.ts'
import { SHELLS } from '../completion.ts'

export const COMPLETION = command({
  summary: 'print a script that completes commands and options in your shell',
  names: [{ shown: SHELLS.join('|'), choices: SHELLS }],
  options: {},
  examples: [
    ['source <(sallyport completion bash)', 'in ~/.bashrc'],
    ['sallyport completion zsh > "${fpath[1]}/_sallyport"', 'for zsh'],
    ['sallyport completion fish > ~/.config/fish/completions/sallyport.fish', 'for fish'],
  ],
  async run(_, [shell]) {
    const { completionFor } = await import('../completion.ts')
    const { COMMANDS } = await import('../commands.ts')
    process.stdout.write(completionFor(shell, COMMANDS))
    return 0
  },
})
