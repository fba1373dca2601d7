// Ties background jobs to their page in an app with several pages. A job continues while another page is shown; a user
// who returns before its end sees it running, and gets its result. Its updates, and late responses of regular
// callbacks, do not change another page, even if that has components with the same ids. Loaded after dash-swift.js and
// before the renderer.
(function () {
    'use strict';

    var CONTENT = '_pages_content';
    var STORE = '_pages_store';
    var originalFetch = window.fetch;
    var callbacks = new Map(); // output → the callback's entry in the dependencies
    var jobs = new Set(); // jobs that run or are being started

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
            return answer.then(function (response) { return tracked(job, response); }, function (error) {
                jobs.delete(job);
                throw error;
            });
        }
        var path = shownPath();
        return answer.then(function (response) {
            return path === shownPath() ? response : changed(response, withoutOtherPage);
        });
    };

    // Sent by the callback that sets the title, when a page is in place.
    window.addEventListener('dash-swift-page', function () {
        jobs.forEach(function (job) {
            // The renderer drops a callback once all of its outputs are removed, and does not restore it.
            job.isLetGo = job.isLetGo || (job.outputs.length > 0 && !job.outputs.some(layoutOf));
            if (job.path === shownPath()) {
                show(job);
            }
        });
    });

    // The path of the shown page. It changes together with the content, before callbacks of that content are sent.
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

    // Passes the path of a new page to the callback that sets the title, together with the title.
    function routed(body, response) {
        return changed(response, function (data) {
            var store = data.response && data.response[STORE];
            if (store && store.data) {
                store.data.path = body.inputs[0].value;
            }
        });
    }

    // Recorded at the start, as another page may be shown when the first response arrives.
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
        return job ? tracked(job, response) : response;
    }

    function tracked(job, response) {
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

    // Removes updates of another page's components. If the renderer has dropped the callback, the result is applied as
    // side updates.
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

    // Changes the data of a response, without another task if the data is available (see `complete` in dash-swift.js).
    async function changed(response, change) {
        if (response.status !== 200) {
            return response;
        }
        var json = response.json();
        try {
            change(await json);
        } catch (error) {
            // For an invalid body the renderer gets the error from the same promise.
        }
        response.json = function () { return json; };
        return response;
    }

    // Restores `running` and progress after the page was recreated.
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

    // Updates without those of components in the page container. Keys are ids, or ids with a property.
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

    // The ids of a request's outputs or inputs, with those of patterns flattened.
    function ids(items) {
        return [items || []].flat(3).map(function (item) { return item.id; });
    }

    function parsed(text) {
        return text[0] === '{' ? JSON.parse(text) : text;
    }

    // The id with wildcards replaced by the values of the job's components; null if it matches several.
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
            // For a pattern that matches no component, the renderer returns the whole layout.
            return found.props.id !== undefined && stable(found.props.id) === stable(id) ? found : undefined;
        } catch (error) {
            return undefined; // the component does not exist
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
