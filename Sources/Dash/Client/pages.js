// Keeps a background job and its page together in an app of several pages. The job goes on while another page is shown; who
// comes back before its end sees it at work again, and gets its result. What it sends in the meantime changes nothing of
// another page, also where that has components of the same ids. Loaded after the script for polls, before the renderer.
(function () {
    'use strict';

    var CONTENT = '_pages_content';
    var originalFetch = window.fetch;
    var callbacks = new Map(); // output → the callback's entry in the dependencies
    var jobs = new Map(); // job handle → what is known of a job that goes on
    var shownPath = null; // the path of the page that is shown

    window.fetch = function (resource, options) {
        var answer = originalFetch.apply(this, arguments);
        if (typeof resource !== 'string') {
            return answer;
        }
        if (resource.indexOf('_dash-dependencies') >= 0) {
            return answer.then(learnCallbacks);
        }
        if (resource.indexOf('_dash-update-component') < 0 || !options || typeof options.body !== 'string') {
            return answer;
        }
        var handle = new URL(resource, window.location.href).searchParams.get('job');
        if (handle) {
            return answer.then(function (response) { return polled(handle, response); });
        }
        var body = JSON.parse(options.body);
        if (String(body.output).indexOf('..' + CONTENT + '.children') === 0) {
            return answer.then(function (response) { return routed(body, response); });
        }
        var callback = callbacks.get(body.output);
        if (!callback || !callback.background) {
            return answer;
        }
        var job = newJob(callback, body);
        return answer.then(function (response) { return started(job, response); });
    };

    // The callback that sets the title tells of each page when it is in its place.
    window.addEventListener('dash-swift-page', function (event) {
        shownPath = event.detail.path || window.location.pathname;
        jobs.forEach(function (job) {
            lookAfter(job);
            if (job.path === shownPath) {
                show(job);
            }
        });
    });

    // The renderer lets go of a callback when all of its outputs are gone, and does not take it back.
    function lookAfter(job) {
        job.isLetGo = job.isLetGo || (job.outputs.length > 0 && !job.outputs.some(layoutOf));
    }

    function learnCallbacks(response) {
        if (response.status === 200) {
            response.clone().json().then(function (list) {
                list.forEach(function (callback) { callbacks.set(callback.output, callback); });
            }, function () {});
        }
        return response;
    }

    // A page on its way: its path travels with its title to the callback that sets the title.
    function routed(body, response) {
        return changed(response, function (data) {
            var store = data.response && data.response._pages_store;
            if (store && store.data) {
                store.data.path = body.inputs[0].value;
            }
            return data;
        });
    }

    // What is known of a job when it is asked for: its page may be another one when the answer comes.
    function newJob(callback, body) {
        return {
            path: shownPath === null ? window.location.pathname : shownPath,
            running: (callback.running || {}).running || {},
            outputs: ids(body.outputs),
            all: ids(body.outputs).concat(ids(body.inputs)),
            progress: {},
            isLetGo: false
        };
    }

    function started(job, response) {
        return changed(response, function (data) {
            if (data.job && data.response === undefined) {
                jobs.set(data.job, job);
                lookAfter(job);
            }
            return adjusted(job, data);
        });
    }

    function polled(handle, response) {
        var job = jobs.get(handle);
        if (!job || response.status !== 200) {
            jobs.delete(handle);
            return response;
        }
        return changed(response, function (data) {
            if (data.response !== undefined) {
                jobs.delete(handle);
            }
            return adjusted(job, data);
        });
    }

    // What the page may be told of a job: nothing for components of another page, and the result also where the renderer
    // has let go of the callback.
    function adjusted(job, data) {
        Object.assign(job.progress, data.progress);
        if (shownPath !== null && job.path !== shownPath) {
            ['progress', 'sideUpdate', 'response'].forEach(function (key) {
                data[key] = data[key] && withoutContent(data[key]);
            });
        } else if (job.isLetGo && data.response !== undefined) {
            data.sideUpdate = merged(data.sideUpdate, data.response);
            data.response = {};
        }
        return data;
    }

    // The answer with another body; the same answer if there is nothing to read.
    async function changed(response, change) {
        if (response.status !== 200) {
            return response;
        }
        var text = await response.text();
        try {
            text = JSON.stringify(change(JSON.parse(text)));
        } catch (error) {
            // The renderer is told of it, by the same text.
        }
        return new Response(text, {status: response.status, headers: response.headers});
    }

    // Sets again what holds while the job runs, for the page was made anew.
    function show(job) {
        [job.running, job.progress].forEach(function (properties) {
            Object.keys(properties).forEach(function (key) {
                var dot = key.lastIndexOf('.');
                var id = concrete(parsed(key.slice(0, dot)), job);
                if (id && isInContent(id)) {
                    var props = {};
                    props[key.slice(dot + 1)] = properties[key];
                    window.dash_clientside.set_props(id, props);
                }
            });
        });
    }

    // Updates without those of components in the place where pages are shown; keys are ids, or ids with a property.
    function withoutContent(updates) {
        var kept = {};
        Object.keys(updates).forEach(function (key) {
            var isFlat = key[0] === '{' ? key[key.length - 1] !== '}' : key.indexOf('.') >= 0;
            var id = parsed(isFlat ? key.slice(0, key.lastIndexOf('.')) : key);
            if (!isInContent(id)) {
                kept[key] = updates[key];
            }
        });
        return kept;
    }

    function merged(first, second) {
        var all = Object.assign({}, first);
        Object.keys(second).forEach(function (id) { all[id] = Object.assign({}, all[id], second[id]); });
        return all;
    }

    // The ids of outputs or inputs of a request; lists stand for components of a pattern.
    function ids(items) {
        return [items || []].flat(3).map(function (item) { return item.id; });
    }

    function parsed(text) {
        return text[0] === '{' ? JSON.parse(text) : text;
    }

    // The id with the values of the job's own components in place of wildcards; null where it stands for several.
    function concrete(id, job) {
        if (typeof id === 'string') {
            return id;
        }
        var found = {};
        var isOne = Object.keys(id).every(function (key) {
            var own = job.all.find(function (other) { return typeof other === 'object' && key in other; });
            found[key] = Array.isArray(id[key]) ? own && own[key] : id[key];
            return !Array.isArray(id[key]) || (id[key][0] === 'MATCH' && own);
        });
        return isOne ? found : null;
    }

    function layoutOf(id) {
        try {
            var found = window.dash_component_api.getLayout(id);
            // For a pattern that no component has, the renderer gives the whole layout.
            return found.props.id !== undefined && stable(found.props.id) === stable(id) ? found : undefined;
        } catch (error) {
            return undefined; // the renderer's way to say that there is no such component
        }
    }

    function isInContent(id) {
        var wanted = stable(id);
        var isThere = function (node) {
            if (!node || typeof node !== 'object') {
                return false;
            }
            if (Array.isArray(node)) {
                return node.some(isThere);
            }
            var isIt = node.props && node.type && node.props.id !== undefined && stable(node.props.id) === wanted;
            return isIt || Object.values(node.props && node.type ? node.props : node).some(isThere);
        };
        var content = layoutOf(CONTENT);
        return Boolean(content) && isThere(content.props.children);
    }

    function stable(id) {
        return typeof id === 'string' ? id : JSON.stringify(id, Object.keys(id).sort());
    }
})();
