/**
 * Thunderbird, on a screen of its own: it finds its settings by our autoconfig answer, makes the account from them by its
 * own code, shows a message, sends one with an attachment, flags, and moves to the trash.
 *
 * Its remote protocol says what a person would click. It reaches the domain's web server, which is ours, as through a
 * proxy, so neither DNS nor port 80 is needed. The picture is kept where PENNYPOST_SCREENSHOT says.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { password, type RealSystem } from '../stories/real.ts'
import { signalGroup } from '../support/signal-process.ts'
import { attachment, fill, mails } from './mails.ts'
import { Marionette } from './marionette.ts'
import { alice, bob, read, run, withCertified, without } from './programs.ts'

const programs = ['thunderbird', 'Xvfb', 'certutil', 'import']
const skip = programs.map(without).find((missing) => missing !== false) ?? false
const waitMs = 60_000

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function until<Value>(what: string, find: () => Promise<Value | undefined> | Value | undefined): Promise<Value> {
  const untilMs = performance.now() + waitMs
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() > untilMs) throw new Error(`waited in vain: ${what}`)
    await sleep(100)
  }
}

/** Ends a program and all that it started. */
async function end(child: ChildProcess): Promise<void> {
  const ended =
    child.exitCode === null && child.signalCode === null
      ? new Promise((resolve) => child.once('exit', resolve))
      : undefined
  try {
    signalGroup(child.pid, 'SIGKILL')
  } catch {
    // It had ended.
  }
  await ended
}

/** A screen that picks its own number. */
async function startScreen(): Promise<{ child: ChildProcess; display: string }> {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let said = ''
  child.stdio[3]!.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await until('a screen', () => (said.endsWith('\n') ? true : undefined))
  return { child, display: `:${said.trim()}` }
}

async function makeProfile(folder: string, ca: string, real: RealSystem, control: number): Promise<string> {
  const profile = join(folder, 'profile')
  mkdirSync(profile)
  const { code, err } = await run('certutil', ['-A', '-d', `sql:${profile}`, '-n', 'ours', '-t', 'C,,', '-i', ca])
  assert.equal(code, 0, err)
  const preferences = {
    'network.proxy.type': 1,
    'network.proxy.http': '127.0.0.1',
    'network.proxy.http_port': real.port('http'),
    'mailnews.auto_config.fetchFromISP.sslOnly': false,
    'marionette.port': control,
    'mailnews.start_page.enabled': false,
    'mail.provider.suppress_dialog_on_startup': true,
    'mail.shell.checkDefaultClient': false,
    'mail.SpellCheckBeforeSend': false,
    'app.update.enabled': false,
    'app.donation.eoy.version.viewed': 999,
    'datareporting.policy.dataSubmissionEnabled': false,
    'toolkit.telemetry.enabled': false,
  }
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  writeFileSync(join(profile, 'user.js'), lines.join(''))
  return profile
}

const findAndMake = `
  const [address, password] = args
  const { FetchConfig } = ChromeUtils.importESModule('resource:///modules/accountcreation/FetchConfig.sys.mjs')
  const { AccountConfig } = ChromeUtils.importESModule('resource:///modules/accountcreation/AccountConfig.sys.mjs')
  const { CreateInBackend } = ChromeUtils.importESModule('resource:///modules/accountcreation/CreateInBackend.sys.mjs')
  const found = await FetchConfig.fromISP(address.split('@')[1], address, new AbortController().signal)
  const config = AccountConfig.replaceVariables(found, 'Bob', address, password) ?? found
  config.rememberPassword = true
  await CreateInBackend.createAccountInBackend(config)
  const server = ({ type, hostname, port, socketType, username }) => ({ type, hostname, port, socketType, username })
  return { incoming: server(config.incoming), outgoing: server(config.outgoing) }
`

/** Defines what the other scripts begin with. */
const scene = `
  const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs')
  const main = Services.wm.getMostRecentWindow('mail:3pane')
  const tabmail = main.document.getElementById('tabmail')
  const server = MailServices.accounts.allServers.find(({ type }) => type === 'imap')
  const pause = (ms) => new Promise((resolve) => main.setTimeout(resolve, ms))
  const until = async (what, find) => {
    for (let i = 0; i < 500; i++) {
      const found = await find()
      if (found) return found
      await pause(100)
    }
    throw new Error('waited in vain: ' + what)
  }
  const inbox = () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox)
  const about = () => tabmail.currentAbout3Pane
`

const showGreeting = `${scene}
  server.performExpand(null)
  const folder = await until('INBOX', inbox)
  await until('the pane', () => about()?.displayFolder)
  about().displayFolder(folder.URI)
  folder.updateFolder(null)
  await until('messages', () => folder.getTotalMessages(false) === args[0] && about().gDBView?.rowCount === args[0])
  const rows = Array.from({ length: args[0] }, (_, row) => row)
  const subjectOf = (row) => about().gDBView.getMsgHdrAt(row).mime2DecodedSubject
  about().threadTree.selectedIndex = await until('Grüße', () => rows.find((row) => subjectOf(row) === 'Grüße'))
  const body = await until('the text', () => {
    const shown = tabmail.currentAboutMessage?.getMessagePaneBrowser()?.contentDocument?.body?.textContent
    return shown?.includes('Blumen') && shown
  })
  about().gDBView.getSelectedMsgHdrs()[0].folder.markMessagesFlagged(about().gDBView.getSelectedMsgHdrs(), true)
  await pause(1000)
  return { body: body.trim(), subjects: rows.map(subjectOf).sort() }
`

const send = `${scene}
  const [to, path] = args
  const fields = Cc['@mozilla.org/messengercompose/composefields;1'].createInstance(Ci.nsIMsgCompFields)
  fields.to = to
  fields.subject = 'Grüße von Thunderbird'
  fields.body = 'Blumen für dich, 花\\n.\\n'
  fields.forcePlainText = true
  const file = Cc['@mozilla.org/file/local;1'].createInstance(Ci.nsIFile)
  file.initWithPath(path)
  const attached = Cc['@mozilla.org/messengercompose/attachment;1'].createInstance(Ci.nsIMsgAttachment)
  attached.url = Services.io.newFileURI(file).spec
  attached.name = 'größe.bin'
  fields.addAttachment(attached)
  const params = Cc['@mozilla.org/messengercompose/composeparams;1'].createInstance(Ci.nsIMsgComposeParams)
  params.composeFields = fields
  params.format = Ci.nsIMsgCompFormat.PlainText
  params.identity = MailServices.accounts.allIdentities[0]
  MailServices.compose.OpenComposeWindowWithParams(null, params)
  const window = await until('the composer', () => {
    const found = Services.wm.getMostRecentWindow('msgcompose')
    return found?.ComposeCanClose && found.gWindowReady !== false && found.document.getElementById('msgSubject')?.value && found
  })
  await pause(500)
  window.goDoCommand('cmd_sendNow')
  await until('it is sent', () => !Services.wm.getMostRecentWindow('msgcompose'))
`

const toTrash = `${scene}
  const folder = inbox()
  const [first] = [...folder.messages].filter(({ mime2DecodedSubject }) => mime2DecodedSubject === 'plain')
  folder.deleteMessages([first], null, false, false, null, false)
  await until('it is gone', () => ![...folder.messages].some(({ mime2DecodedSubject }) => mime2DecodedSubject === 'plain'))
  folder.compact(null, null)
  await pause(1000)
`

test('Thunderbird: settings by autoconfig, a message shown, sent, flagged, put in the trash', { skip }, async () => {
  const [imaps, submissions, control] = (await freePorts(3)) as [number, number, number]
  await withCertified(
    async (real, folder, ca) => {
      await fill(real, bob)
      const file = join(folder, 'a.bin')
      writeFileSync(file, attachment)
      const profile = await makeProfile(folder, ca, real, control)
      const screen = await startScreen()
      const child = spawn(
        'thunderbird',
        ['--profile', profile, '--no-remote', '--marionette', '--remote-allow-system-access'],
        {
          env: { ...process.env, DISPLAY: screen.display, HOME: folder, LC_ALL: 'C.UTF-8' },
          stdio: 'ignore',
          detached: true,
        },
      )
      let remote: Marionette | undefined
      try {
        remote = await until('Thunderbird', () => Marionette.connect(control).catch(() => undefined))
        const made = await remote.run(findAndMake, bob, password)
        const common = { hostname: 'localhost', socketType: 3, username: bob }
        assert.deepEqual(made, {
          incoming: { type: 'imap', port: imaps, ...common },
          outgoing: { type: 'smtp', port: submissions, ...common },
        })
        const shown = await remote.run<{ body: string; subjects: string[] }>(showGreeting, mails.length)
        assert.match(shown.body, /^Subject: GrüßeFrom: Alice[^]*\nBlumen für dich, 花$/)
        assert.deepEqual(shown.subjects, ['Grüße', 'attached', 'dots', 'empty', 'plain'])
        const picture = process.env.PENNYPOST_SCREENSHOT ?? join(folder, 'screen.png')
        const taken = await run('import', ['-display', screen.display, '-window', 'root', picture])
        assert.equal(taken.code, 0, taken.err)
        assert.ok(statSync(picture).size > 20_000, 'the picture is empty')

        await remote.run(send, alice, file)
        await remote.run(toTrash)
      } finally {
        remote?.close()
        await end(child)
        await end(screen.child)
      }
      const [arrived, ...more] = await read(real, alice)
      assert.deepEqual(more, [])
      assert.ok(arrived!.includes(Buffer.from('Blumen für dich, 花\r\n.\r\n').toString('latin1')))
      const encoded = /filename[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(arrived!)![1]!
      assert.deepEqual(Buffer.from(encoded, 'base64'), attachment)
      assert.equal((await read(real, bob, 'Sent')).length, 1)
      assert.deepEqual(await read(real, bob, 'Trash'), [mails[0]!.toString('latin1')])
      const imap = await real.imap(bob, 'INBOX')
      const { data } = await imap.command('SEARCH FLAGGED SUBJECT Gr')
      assert.equal(data.find(({ name }) => name === 'SEARCH')!.values.length, 1)
      await imap.logout()
    },
    { services: ['http'], ports: { imaps, submissions } },
  )
})
