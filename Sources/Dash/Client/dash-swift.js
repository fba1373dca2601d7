// Keeps the polls of background jobs alive through lost connections and restarts of the server, and shows how a job
// ended where the renderer would only write to the console. Numbers all other requests for callbacks, and keeps the
// answer to a replaced start of a job from the renderer. Loaded before the renderer; everything works without it, less
// gracefully. Sends nothing anew but fetches that carry `job=`.
(function () {
    'use strict';

    var GIVE_UP_AFTER = 10 * 60 * 1000; // ms
    var LONGEST_SILENCE = 45 * 1000; // ms; a poll is held at most 20 s, so a longer silence is a dead connection
    var GAVE_UP = 'The server did not answer for ten minutes.';
    var UNREACHED = 'The server could not be reached, or its answer was lost. Try again.';
    var LONGEST_PAUSE = 5000; // ms between two tries
    var QUIET_TRIES = 4; // tries before the page says that the connection is lost

    var originalFetch = window.fetch;
    var order = 0; // of the last request that was no poll
    var polls = new Map(); // job handle → number of the poll that is to be answered next
    var backgroundOutputs = new Set(); // `output` of each background callback
    var starts = new Map(); // place → the latest start there, while it has no answer

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
            // The renderer reports answers that are not a list of callbacks.
        }
        return answer;
    }

    // Identifies what a start of a background callback replaces: the unanswered start with the same callback, outputs and
    // single inputs and states, so each row of a pattern has its own. The renderer ignores the result of the replaced
    // call under the same condition. Null for an ordinary callback.
    function startPlace(body) {
        if (backgroundOutputs.size === 0 || typeof body !== 'string') {
            return null;
        }
        // The renderer writes the output first: of an upload of megabytes the rest is not read here.
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

    // Starts a job. If the page starts another one in its place before the answer is here, the answer is dropped, whatever
    // it says: with any answer that ends the call the renderer would set the `finally` values of `running` and
    // `progressDefault`, over those of the later job. Only a rejected request makes it set neither; it ignores the error,
    // because it no longer waits for a call that it has made again. A start that has been answered is the renderer's own
    // matter: from then on it knows the job's handle, and marks the job as outdated when it starts the next.
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

    // An answer whose body is here. Its JSON is available without another task: no start can come between the moment in
    // which the renderer looks whether a job is outdated, and that in which it applies the answer.
    function complete(response, body) {
        var hasBody = response.status !== 204 && response.status !== 304;
        var answer = new Response(hasBody ? body : null, {status: response.status, headers: response.headers});
        if (response.status === 200) {
            var data = JSON.parse(body);
            answer.json = function () { return Promise.resolve(data); };
        }
        return answer;
    }

    // Requests may arrive in another order than that in which they are sent here, and a cancel must not end what was started
    // after it. The numbers follow the clock, so that they go on where a browser shows a page again that it has kept.
    function numbered(url) {
        order = Math.max(order + 1, Date.now());
        return url.href + (url.search ? '&' : '?') + 'order=' + order;
    }

    // A request that is no poll is not sent again, as it may have come through. To the renderer its loss is an answer that
    // failed: after no answer at all it would not put back what `running` has set.
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

    // Failures that the server has a sentence for; all others are the renderer's own matter.
    function notifyOfFailure(answer) {
        var sentence = answer.headers.get('X-Dash-Notice');
        if (answer.status >= 400 && sentence) {
            notify('job', sentence);
        }
        return answer;
    }

    // Sends one poll, again and again until the server has answered it. The number `n` stays the same for every try, so
    // the server knows which of its answers the page has had.
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
                notify('connection', 'The connection to the server is lost; trying again …');
            }
            await pause(Math.min(LONGEST_PAUSE, 50 * Math.pow(2, tries - 1)));
        }
    }

    // One request with its whole body: an answer that was cut in the middle, or that is no JSON where JSON is due, counts
    // as none (the renderer would wait for ever on it).
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

    // The body of an answer, however slowly it comes as long as it comes.
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

    // Waits, but no longer than until the browser says that it is online again.
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

    // Notices: plain elements in a corner, styled by properties so that no style rule of a strict policy is needed.
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
