import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counter, Gauge, Histogram, metricsText } from './metrics.ts'

test('a counter, a gauge and a histogram are OpenMetrics text with its end', () => {
  const refused = new Counter('pennypost_refused', 'Messages refused.', 'service', 'status')
  refused.of('smtp', '5.7.1').value += 2
  refused.of('lmtp', '4.2.2').value++
  refused.of('smtp', '5.7.1').value++
  const delay = new Histogram('pennypost_delay_seconds', 'From arrival to end.', [0.1, 1], 'outcome')
  for (const value of [0.1, 0.5, 30]) delay.of('relayed').add(value)
  const open = new Gauge('pennypost_open', 'Open now.', () => 3)
  const states = new Gauge(
    'pennypost_queue',
    'Recipients.',
    () => [
      [1, 'ready'],
      [2.5, 'held'],
    ],
    'state',
  )
  assert.equal(
    metricsText([refused, delay, open, states]),
    [
      '# TYPE pennypost_refused counter',
      '# HELP pennypost_refused Messages refused.',
      'pennypost_refused_total{service="smtp",status="5.7.1"} 3',
      'pennypost_refused_total{service="lmtp",status="4.2.2"} 1',
      '# TYPE pennypost_delay_seconds histogram',
      '# HELP pennypost_delay_seconds From arrival to end.',
      'pennypost_delay_seconds_bucket{outcome="relayed",le="0.1"} 1',
      'pennypost_delay_seconds_bucket{outcome="relayed",le="1"} 2',
      'pennypost_delay_seconds_bucket{outcome="relayed",le="+Inf"} 3',
      'pennypost_delay_seconds_count{outcome="relayed"} 3',
      'pennypost_delay_seconds_sum{outcome="relayed"} 30.6',
      '# TYPE pennypost_open gauge',
      '# HELP pennypost_open Open now.',
      'pennypost_open 3',
      '# TYPE pennypost_queue gauge',
      '# HELP pennypost_queue Recipients.',
      'pennypost_queue{state="ready"} 1',
      'pennypost_queue{state="held"} 2.5',
      '# EOF',
      '',
    ].join('\n'),
  )
})

test('a counter without labels is told before it counts; what is not known is not told', () => {
  assert.match(new Counter('a', 'A.').text(), /^a_total 0$/m)
  assert.equal(new Gauge('b', 'B.', () => undefined).text(), '')
})

test('what stands in a label cannot end it or its line', () => {
  const counter = new Counter('a', 'A "b" \\ c.', 'name')
  counter.of('x"} 1\ny\\').value = 1
  assert.match(counter.text(), /^a_total\{name="x\\"\} 1\\ny\\\\"\} 1$/m)
  assert.equal(counter.text().split('\n').length, 4)
})

test('series have an end: what comes beyond is counted together', () => {
  const counter = new Counter('a', 'A.', 'name', 'kind')
  for (let i = 0; i < 2000; i++) counter.of(`n${i}`, 'k').value++
  assert.equal(counter.text().split('\n').length, 504)
  assert.match(counter.text(), /^a_total\{name="other",kind="other"\} 1500$/m)
  const histogram = new Histogram('h', 'H.', [1], 'name')
  for (let i = 0; i < 2000; i++) histogram.of(`n${i}`).add(1)
  assert.match(histogram.text(), /^h_count\{name="other"\} 1500$/m)
})
