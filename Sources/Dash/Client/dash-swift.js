// Retries polls of background jobs after lost connections and server restarts, and shows failures of jobs that the
// renderer only writes to the console. Numbers all other callback requests, and drops the response to a job start that
// a later start has replaced. Loaded before the renderer, which also works without it. Only fetches with `job=` are
// retried.
(function () {
    'use strict';

    var GIVE_UP_AFTER = 10 * 60 * 1000; // ms
    var LONGEST_SILENCE = 45 * 1000; // ms; the server holds a poll for at most 20 s, so the connection is dead
    var GAVE_UP = 'The server did not respond for ten minutes.';
    var UNREACHED = 'The server could not be reached, or its response was lost. Try again.';
    var LONGEST_PAUSE = 5000; // ms between two attempts
    var QUIET_TRIES = 4; // attempts before the page shows a lost connection

    var originalFetch = window.fetch;
    var order = 0; // of the last request that was not a poll
    var polls = new Map(); // job handle → number of the next poll
    var backgroundOutputs = new Set(); // `output` of each background callback
    var starts = new Map(); // place → its latest start without a response

    window.fetch = function (resource, options) {
        if (typeof resource === 'string' && resource.indexOf('_dash-dependencies') >= 0) {
            return originalFetch.apply(this, arguments).then(learnBackgroundOutputs);
        }
        if (!isCallback(resource, options)) {
            return originalFetch.apply(this, arguments);
        }
        var url = new URL(resource, window.location.href);
        var answer = url.searchParams.get('job') ? poll(url, options) : request(url, options);
        return answer.then(notifyOfFailure);
    };

    function request(url, options) {
        var place = startPlace(options.body);
        if (place) {
            return start(place, url, options);
        }
        return originalFetch.call(window, numbered(url), options).catch(unreached);
    }

    async function learnBackgroundOutputs(answer) {
        try {
            (await answer.clone().json()).forEach(function (callback) {
                if (callback.background) {
                    backgroundOutputs.add(callback.output);
                }
            });
        } catch (error) {
            // The renderer reports responses that are not a list of callbacks.
        }
        return answer;
    }

    // Key of a background callback's start: a start replaces a pending one with the same callback, outputs and single
    // inputs and states, so each row of a pattern has its own. The renderer ignores the result of a replaced call under
    // the same condition. Null for a regular callback.
    function startPlace(body) {
        if (backgroundOutputs.size === 0 || typeof body !== 'string') {
            return null;
        }
        // The output comes first in the body, so a large upload is not parsed.
        var output = /^\{"output":("(?:[^"\\]|\\.)*")/.exec(body);
        if (output && !backgroundOutputs.has(JSON.parse(output[1]))) {
            return null;
        }
        var call = JSON.parse(body);
        if (!backgroundOutputs.has(call.output)) {
            return null;
        }
        var sources = (call.inputs || []).concat(call.state || []).map(function (item) { return item.id || null; });
        return JSON.stringify([call.output, call.outputs, sources]);
    }

    // Starts a job. If a later start replaces it before its response arrives, the request is rejected: after any
    // response that ends the call the renderer would set the `finally` values of `running` and `progressDefault`, over
    // those of the later job. It ignores the rejection, as it no longer waits for the replaced call. After the response
    // the renderer knows the job's handle, and marks the job as outdated when it starts the next.
    async function start(place, url, options) {
        var own = {isReplaced: false};
        var previous = starts.get(place);
        if (previous) {
            previous.isReplaced = true;
        }
        starts.set(place, own);
        var answer = await startAnswer(numbered(url), options);
        if (starts.get(place) === own) {
            starts.delete(place);
        }
        if (own.isReplaced) {
            throw new Error('A later start replaced this one.');
        }
        return answer;
    }

    async function startAnswer(url, options) {
        try {
            var response = await originalFetch.call(window, url, options);
            return complete(response, await response.text());
        } catch (error) {
            return unreached();
        }
    }

    // A response whose body has been read. Its JSON is available without another task, so no start can come between the
    // renderer's check whether a job is outdated and its use of the response.
    function complete(response, body) {
        var hasBody = response.status !== 204 && response.status !== 304;
        var answer = new Response(hasBody ? body : null, {status: response.status, headers: response.headers});
        if (response.status === 200) {
            var data = JSON.parse(body);
            answer.json = function () { return Promise.resolve(data); };
        }
        return answer;
    }

    // Requests may arrive out of order, and a cancel must not end a job that was started after it. The numbers follow
    // the clock, so that they keep increasing when the browser restores a page from its cache.
    function numbered(url) {
        order = Math.max(order + 1, Date.now());
        return url.href + (url.search ? '&' : '?') + 'order=' + order;
    }

    // Requests other than polls are not retried, as the server may have received them. The renderer gets a failed
    // response, because without a response it would not reset the properties of `running`.
    function unreached() {
        return failure(UNREACHED);
    }

    function failure(sentence) {
        return new Response(sentence, {status: 504, headers: {'X-Dash-Notice': sentence}});
    }

    function isCallback(resource, options) {
        return typeof resource === 'string' && resource.indexOf('_dash-update-component') >= 0 &&
            options && String(options.method).toUpperCase() === 'POST';
    }

    // Only for failures with a sentence of the server; the renderer handles the others.
    function notifyOfFailure(answer) {
        var sentence = answer.headers.get('X-Dash-Notice');
        if (answer.status >= 400 && sentence) {
            notify('job', sentence);
        }
        return answer;
    }

    // Sends one poll until the server has answered it. `n` is the same for all attempts, so that the server knows which
    // responses the page has received.
    async function poll(url, options) {
        var job = url.searchParams.get('job');
        var number = polls.get(job) || 1;
        var answer = await untilAnswered(url.href + '&n=' + number, options);
        polls.set(job, number + 1);
        if (answer.status !== 200) {
            polls.delete(job);
        }
        return answer;
    }

    async function untilAnswered(url, options) {
        var started = Date.now();
        for (var tries = 1; ; tries += 1) {
            var answer = await attempt(url, options);
            var isFinal = answer && [502, 503, 504].indexOf(answer.status) < 0;
            if (isFinal || Date.now() - started > GIVE_UP_AFTER) {
                unnotify('connection');
                return answer || failure(GAVE_UP);
            }
            if (tries >= QUIET_TRIES) {
                notify('connection', 'Connection to the server lost. Reconnecting …');
            }
            await pause(Math.min(LONGEST_PAUSE, 50 * Math.pow(2, tries - 1)));
        }
    }

    // One request with its whole body. A truncated response or invalid JSON counts as no response, because the renderer
    // would wait for it forever.
    async function attempt(url, options) {
        var controller = new AbortController();
        var timer;
        var heard = function () {
            clearTimeout(timer);
            timer = setTimeout(function () { controller.abort(); }, LONGEST_SILENCE);
        };
        heard();
        try {
            var response = await originalFetch.call(window, url, Object.assign({}, options, {signal: controller.signal}));
            return complete(response, await textOf(response, heard));
        } catch (error) {
            return null;
        } finally {
            clearTimeout(timer);
        }
    }

    // Reads the body; each chunk resets the timeout.
    async function textOf(response, heard) {
        if (!response.body) {
            return '';
        }
        var reader = response.body.getReader();
        var decoder = new TextDecoder();
        var text = '';
        for (;;) {
            heard();
            var chunk = await reader.read();
            if (chunk.done) {
                return text + decoder.decode();
            }
            text += decoder.decode(chunk.value, {stream: true});
        }
    }

    // Waits, or until the browser is online again.
    function pause(milliseconds) {
        return new Promise(function (resolve) {
            var done = function () {
                clearTimeout(timer);
                window.removeEventListener('online', done);
                resolve();
            };
            var timer = setTimeout(done, milliseconds);
            window.addEventListener('online', done);
        });
    }

    // Notices are styled by properties, which a strict content security policy allows.
    var notices = new Map();

    function notify(kind, text) {
        var notice = notices.get(kind) || makeNotice(kind);
        notice.firstChild.textContent = text;
    }

    function unnotify(kind) {
        var notice = notices.get(kind);
        if (notice) {
            notice.remove();
            notices.delete(kind);
        }
    }

    function makeNotice(kind) {
        var notice = document.createElement('div');
        notice.className = 'dash-swift-notice';
        notice.setAttribute('role', 'status');
        notice.dataset.kind = kind;
        Object.assign(notice.style, {
            position: 'fixed', right: '16px', bottom: 16 + 56 * notices.size + 'px', zIndex: '10000', maxWidth: '28em',
            padding: '10px 14px', borderRadius: '6px', background: '#2b2f36', color: '#fff',
            font: '14px/1.4 system-ui, sans-serif', boxShadow: '0 4px 14px rgba(0, 0, 0, .25)'
        });
        notice.appendChild(document.createElement('span'));
        var close = document.createElement('button');
        close.textContent = '×';
        close.setAttribute('aria-label', 'Close');
        Object.assign(close.style, {
            marginLeft: '12px', border: '0', background: 'none', color: 'inherit', font: 'inherit', cursor: 'pointer'
        });
        close.addEventListener('click', function () { unnotify(kind); });
        notice.appendChild(close);
        document.body.appendChild(notice);
        notices.set(kind, notice);
        return notice;
    }
})();
