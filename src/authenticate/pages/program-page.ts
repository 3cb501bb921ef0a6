/** Whether a program may act for the person who is signed in here. */
import type { Session } from '../../session/session.ts'
import { html } from '../../transport/html.ts'
import { actionBar } from '../../transport/page.ts'
import { type Answer, page, type Visit } from '../visit.ts'

export interface ProgramQuestion {
  readonly session: Session
  /** Where it waits for its token. */
  readonly program: URL
  /** Address by which the person agrees. */
  readonly yes: string
}

export function programQuestion(visit: Visit, { session, program, yes }: ProgramQuestion): Answer {
  return page({
    title: 'Sign in a program',
    heading: 'Let a program use your account?',
    body: html`<p>A program at <strong>${program.host}</strong> asks to use <strong>${visit.site.host}</strong> as <strong>${session.email ?? session.name ?? session.userId}</strong>.</p>
<p>Agree only if you have just started it yourself, for example on the command line. It can then do what you can do there, until you sign out.</p>
${actionBar([
  { label: 'Let it in', href: yes, main: true },
  { label: 'No', href: '/.pomerium/' },
])}`,
  })
}
