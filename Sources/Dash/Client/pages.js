// Keeps a background job and its page together in an app of several pages. The job goes on while another page is shown; who
// comes back before its end sees it at work again, and gets its result. What it sends in the meantime changes nothing of
// another page, also where that has components of the same ids; nor does a late answer of an ordinary callback. Loaded after
// the script for polls, before the renderer.
(function () {
    'use strict';

    var CONTENT = '_pages_content';
    var STORE = '_pages_store';
    var originalFetch = window.fetch;
    var callbacks = new Map(); // output → the callback's entry in the dependencies
    var jobs = new Set(); // what is known of each job that goes on, or is just asked for

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
        if (callback && callback.background) {
            var job = newJob(callback, body);
            jobs.add(job);
            return answer.then(function (response) { return told(job, response); }, function (error) {
                jobs.delete(job);
                throw error;
            });
        }
        var path = shownPath();
        return answer.then(function (response) {
            return path === shownPath() ? response : changed(response, withoutOtherPage);
        });
    };

    // The callback that sets the title tells of each page when it is in its place.
    window.addEventListener('dash-swift-page', function () {
        jobs.forEach(function (job) {
            // The renderer lets go of a callback when all of its outputs are gone, and does not take it back.
            job.isLetGo = job.isLetGo || (job.outputs.length > 0 && !job.outputs.some(layoutOf));
            if (job.path === shownPath()) {
                show(job);
            }
        });
    });

    // The path of the page that is shown: it changes together with the content, before any callback of that is sent.
    function shownPath() {
        var store = layoutOf(STORE);
        var path = (store && store.props.data && store.props.data.path) || window.location.pathname;
        return path.replace(/\/+$/, '');
    }

    function learnCallbacks(response) {
        return changed(response, function (list) {
            list.forEach(function (callback) { callbacks.set(callback.output, callback); });
        });
    }

    // A page on its way: its path travels with its title to the callback that sets the title.
    function routed(body, response) {
        return changed(response, function (data) {
            var store = data.response && data.response[STORE];
            if (store && store.data) {
                store.data.path = body.inputs[0].value;
            }
        });
    }

    // What is known of a job when it is asked for: another page may be shown when the first answer comes.
    function newJob(callback, body) {
        return {
            handle: undefined,
            path: shownPath(),
            running: (callback.running || {}).running || {},
            outputs: ids(body.outputs),
            all: ids(body.outputs).concat(ids(body.inputs)),
            progress: {},
            isLetGo: false
        };
    }

    function polled(handle, response) {
        var job = Array.from(jobs).find(function (other) { return other.handle === handle; });
        return job ? told(job, response) : response;
    }

    function told(job, response) {
        if (response.status !== 200) {
            jobs.delete(job);
            return response;
        }
        return changed(response, function (data) {
            job.handle = job.handle || data.job;
            if (data.response !== undefined) {
                jobs.delete(job);
            }
            adjust(job, data);
        });
    }

    // Leaves of an answer what the page may be told: nothing for components of another page, and the result also where the
    // renderer has let go of the callback.
    function adjust(job, data) {
        Object.assign(job.progress, data.progress);
        if (job.path !== shownPath()) {
            withoutOtherPage(data);
        } else if (job.isLetGo && data.response !== undefined) {
            data.sideUpdate = merged(data.sideUpdate, data.response);
            data.response = {};
        }
    }

    function withoutOtherPage(data) {
        ['progress', 'sideUpdate', 'response'].forEach(function (key) {
            data[key] = data[key] && withoutContent(data[key]);
        });
    }

    // The answer with changed data. Without a further task where the data is here already, as with answers to jobs (see the
    // script for polls).
    async function changed(response, change) {
        if (response.status !== 200) {
            return response;
        }
        var json = response.json();
        try {
            change(await json);
        } catch (error) {
            // The renderer gets the error of a body that is not JSON from the same promise.
        }
        response.json = function () { return json; };
        return response;
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
