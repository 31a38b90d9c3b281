'use strict';
// Two workers share one port: node cluster.js connect|koa PORT
const cluster = require('node:cluster');
const http = require('node:http');

const [, , framework, port] = process.argv;
const options = {
  token: process.env.BENCH_TOKEN,
  appid: process.env.BENCH_APP_ID,
  encodingAESKey: process.env.BENCH_AES_KEY,
};
const reply = process.env.BENCH_REPLY;

// node-webot/wechat on connect
function connectApp() {
  const querystring = require('node:querystring');
  const app = require('connect')();
  app.use((req, res, next) => {
    req.query = querystring.parse(req.url.slice(req.url.indexOf('?') + 1));
    next();
  });
  app.use('/wx', require('wechat')(options, (req, res) => res.reply(reply)));
  return app;
}

// co-wechat on koa
function koaApp() {
  const app = new (require('koa'))();
  app.use(require('co-wechat')(options).middleware(async () => reply));
  return app.callback();
}

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  process.on('SIGTERM', () => {
    workers.forEach((worker) => worker.process.kill('SIGTERM'));
    process.exit(0);
  });
} else {
  const server = http.createServer(framework === 'koa' ? koaApp() : connectApp());
  server.keepAliveTimeout = 75000;
  server.listen({ host: '127.0.0.1', port: Number(port), backlog: 2048 });
}
