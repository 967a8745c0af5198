// The shapes of what the page knows, as JSDoc types; there is no code here.

/**
 * @typedef {{age_ms: number, fires: number, successes: number, failures: number, timeouts: number, rejects: number, semaphore_rejections: number, slow: number}} Bucket
 * @typedef {{from: string, to: string, at: string, ago_ms: number, reason: string, failures?: {kind: string, ago_ms: number}[]}} Turn
 * @typedef {{timeout_ms: number | null, error_threshold: number, reset_ms: number, volume: number, capacity: number | null}} Settings
 *
 * @typedef {object} Circuit as `GET /circuit` of a service, but for its `queue`, which events bear beside it
 * @property {string} circuit
 * @property {string} next
 * @property {number} fail_counter
 * @property {string} state
 * @property {string} mode
 * @property {number} since_ms
 * @property {number | null} probe_in_ms
 * @property {number} turns
 * @property {number} rate
 * @property {number} threshold
 * @property {number} volume
 * @property {number} min_volume
 * @property {number} in_flight
 * @property {number} probes
 * @property {number} probes_allowed
 * @property {{length_ms: number, bucket_ms: number, buckets: Bucket[]}} window
 * @property {{calls: number, mean_ms: number, p50_ms: number, p90_ms: number, p95_ms: number, p99_ms: number}} latency
 * @property {Record<string, number>} counts
 * @property {Record<string, number>} totals
 * @property {Turn | null} last
 * @property {Settings} settings
 *
 * @typedef {Record<string, any> & {name: string, enabled?: boolean, percentage?: number, now?: {active: boolean, percentage: number, remaining_ms: number | null, evaluated: number, injected: number}}} Rule
 * @typedef {{service: string, enabled: boolean, preset: string | null, rules: Rule[], presets?: {name: string, about: string}[]}} Chaos
 * @typedef {{waiting: number, oldest_ms: number | null, set_aside: number, delivered: number}} Queue
 *
 * @typedef {object} Service
 * @property {string} name
 * @property {string} url
 * @property {boolean | null} reachable null: not asked yet
 * @property {string | null} why it is away
 * @property {number} since when that was heard
 * @property {number} heard when the last snapshot came
 * @property {{total: number, failed: number, degraded: number, in_flight: number} | null} requests
 * @property {number} perSecond
 * @property {Circuit | null} circuit
 * @property {number | null} probeAt
 * @property {Chaos | null} chaos
 * @property {Queue | null} queue
 * @property {{at: number, total: number}[]} seen
 *
 * @typedef {{name: string, from: number, to: number}} Band one piece of a row of the time line
 * @typedef {{number: number, at: number, kind: string, text: string, service: string, tone: string}} Line
 * @typedef {{id: string, at: number, hops: Map<string, any>}} Trace a request, hop by hop: `request` events by service
 * @typedef {{rate: number, sent: number, answered: number, failed: number, degraded: number, skipped: number, p50_ms: number | null, p99_ms: number | null}} Load
 *
 * @typedef {object} Known
 * @property {'connecting' | 'live' | 'away'} link
 * @property {number} linkSince
 * @property {Service[]} services in the order of the chain
 * @property {Load | null} load
 * @property {{may_change: boolean, token_set: boolean} | null} me
 * @property {Line[]} log
 * @property {number} dropped lines that the log has let go
 * @property {number} next number of a line
 * @property {Map<string, Trace>} traces
 * @property {Map<string, Band[]>} bands states by service
 * @property {Map<string, Band[]>} faults active faults by service
 * @property {{service: string, next: string, to: string, reason: string, at: number} | null} lastTransition
 */

export {};
