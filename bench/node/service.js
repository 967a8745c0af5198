// The original's design on Node, written anew: one express application for each of the three services, a mongoose model
// of its own, and an opossum circuit on the hop to the next service. `SERVICE` says which of the three it is.
//
// Everything else is set as in the original: ID, PORT, CHAIN_SVC, JUMPS, INJECT_ERR and MONGO_URL. BREAKER_TIMEOUT_MS and
// BREAKER_RESET_MS are there for the measurement alone, which has to let every order go the whole way.

import axios from 'axios'
import cors from 'cors'
import express from 'express'
import mongoose from 'mongoose'
import CircuitBreaker from 'opossum'

const env = process.env
const service = env.SERVICE ?? 'order'
const id = env.ID ?? service
const port = env.PORT ?? 3000
const jumps = Number(env.JUMPS ?? 6)

const { Schema } = mongoose
const documents = {
  order: {
    fields: {
      id: { type: String, required: true },
      date: Date,
      items: { type: [], required: true },
      payment: { type: {}, required: true },
    },
    nested: 'payment',
  },
  payment: {
    fields: {
      id: { type: String, required: true },
      amount: { type: Number, required: true },
      shipment: { type: {}, required: true },
    },
    nested: 'shipment',
  },
  shipment: {
    fields: {
      id: { type: String, required: true },
      directions: { type: String, required: true },
    },
  },
}
const { fields, nested } = documents[service]
const Model = mongoose.model(service[0].toUpperCase() + service.slice(1), new Schema(fields))

const clock = () => {
  const now = new Date()
  return `${now.getMinutes()}:${now.getSeconds()}`
}
const passedOn = answer => `\nThis is ${id} @${clock()} -> Next ${JSON.stringify(answer)}`
const unavailable = () => `\n${id} @${clock()} -> unavailable`
const strikes = () => env.INJECT_ERR === '1' && Math.random() > 0.6

async function save(body) {
  await mongoose.connect(env.MONGO_URL ?? '')
  console.log(`🍀 saving ${id}...`)
  const saved = await new Model(body).save()
  console.log(`👌 success ${id}...`)
  return saved
}

async function handOver(endpoint, part) {
  try {
    const answer = await axios.post(endpoint, part)
    return passedOn(answer.data)
  } catch (error) {
    // The original reads the answer of a service that gave none, and goes down with it; this one goes on.
    throw passedOn(error.response?.data ?? error.message)
  }
}

const circuit = new CircuitBreaker(handOver, {
  timeout: Number(env.BREAKER_TIMEOUT_MS ?? 300),
  errorThresholdPercentage: 50,
  resetTimeout: Number(env.BREAKER_RESET_MS ?? 10000),
})
const words = {
  fallback: 'fallback',
  success: 'success',
  failure: 'failed',
  timeout: 'timed out',
  reject: 'rejected',
  open: 'opened',
  halfOpen: 'halfOpened',
  close: 'closed',
}
for (const [event, word] of Object.entries(words)) {
  circuit.on(event, () => console.log(`🔌 status:: ${word}`))
}

const app = express()
app.use(cors({ origin: '*' }))
app.use(express.json())
app.get('/', (_, response) => response.send(`hello from ${id}\n`))
app.post('/create', async (request, response) => {
  const hop = (parseInt(request.query.count, 10) || 0) + 1
  const saved = await save(request.body)
  if (strikes()) return response.status(502).send(passedOn(unavailable()))
  if (hop >= jumps) return response.send('\nLast')
  try {
    response.send(await circuit.fire(`${env.CHAIN_SVC}?count=${hop}`, saved[nested]))
  } catch (failure) {
    response.send(failure instanceof Error ? { code: failure.code, message: failure.message } : failure)
  }
})
app.listen(port, '127.0.0.1', () => console.log(`🕹  App listening on port ${port}`))
