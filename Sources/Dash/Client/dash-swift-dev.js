// Development only. Starts the renderer's hot reload from the assets this page was loaded with, and shows the state of
// rebuilds and traps of the server. Loaded after dash-swift.js and before the renderer. Only changes fetches of
// `_reload-hash`.
(function () {
    'use strict';

    var seen = document.currentScript.dataset.hash; // hash of the assets that this page has
    var trap = document.currentScript.dataset.trap; // id of the last trap that was shown
    var isFirst = true;
    var originalFetch = window.fetch;

    window.fetch = function (resource, options) {
        if (typeof resource !== 'string' || !/\/_reload-hash$/.test(resource)) {
            return originalFetch.apply(this, arguments);
        }
        return ask(resource, options);
    };

    async function ask(resource, options) {
        var answer = await originalFetch.call(window, resource + '?seen=' + encodeURIComponent(seen), options);
        if (answer.status !== 200) {
            return answer;
        }
        var news = await answer.json();
        showBuild(news.build || null);
        showTrap(news.trap || null);
        if (isFirst) {
            // The renderer takes the first response as the state of the page, but the assets may be newer already.
            news = {reloadHash: seen, hard: false, packages: news.packages, files: []};
            isFirst = false;
        }
        seen = news.reloadHash;
        return new Response(JSON.stringify(news), {status: 200, headers: {'Content-Type': 'application/json'}});
    }

    // Panels are styled by properties, which a strict content security policy allows.
    var panel = null; // the build's panel
    var shown = ''; // the last report shown, also if its panel was closed

    function showBuild(build) {
        var report = JSON.stringify(build);
        if (report === shown) {
            return;
        }
        shown = report;
        if (panel) {
            panel.remove();
            panel = null;
        }
        if (build) {
            var isFailed = build.state === 'failed';
            panel = isFailed
                ? problem('The new version does not work. This page is the last working one.', build.output)
                : note('Building …');
            panel.classList.add('dash-swift-build');
            panel.dataset.state = build.state;
            document.body.appendChild(panel);
        }
    }

    function showTrap(news) {
        if (!news || news.id === trap) {
            return;
        }
        trap = news.id;
        var text = news.message + '\n\n' + news.trace;
        var element = problem('A callback trapped, and the server was restarted.', text);
        element.classList.add('dash-swift-trap');
        document.body.appendChild(element);
    }

    function note(text) {
        var element = part('div', text, {
            position: 'fixed', left: '16px', bottom: '16px', zIndex: '10001', padding: '8px 12px', borderRadius: '6px',
            background: '#2b2f36', color: '#fff', font: '14px/1.4 system-ui, sans-serif'
        });
        element.setAttribute('role', 'status');
        return element;
    }

    function problem(title, text) {
        var element = part('div', '', {
            position: 'fixed', left: '5vw', right: '5vw', top: '8vh', zIndex: '10001', maxHeight: '80vh', display: 'flex',
            flexDirection: 'column', borderRadius: '8px', background: '#1e2127', color: '#e6e6e6',
            borderTop: '6px solid #e5484d', boxShadow: '0 10px 40px rgba(0, 0, 0, .45)', font: '14px/1.5 system-ui, sans-serif'
        });
        element.setAttribute('role', 'alert');
        var head = part('div', '', {
            display: 'flex', justifyContent: 'space-between', alignItems: 'center', padding: '12px 18px 0'
        });
        head.appendChild(part('strong', title, {fontSize: '16px'}));
        head.appendChild(closeButton(element));
        element.appendChild(head);
        element.appendChild(messages(text));
        return element;
    }

    function closeButton(element) {
        var close = part('button', '×', {
            border: '0', background: 'none', color: 'inherit', font: '22px/1 system-ui, sans-serif', cursor: 'pointer'
        });
        close.setAttribute('aria-label', 'Close');
        close.addEventListener('click', function () { element.remove(); });
        return close;
    }

    // Highlights lines with errors.
    function messages(text) {
        var list = part('pre', '', {
            margin: '0', padding: '12px 18px 18px', overflow: 'auto', whiteSpace: 'pre-wrap',
            font: '13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace', background: 'none', color: 'inherit'
        });
        text.split('\n').forEach(function (line) {
            var isError = /(^|\s)error:/.test(line);
            list.appendChild(part('span', line + '\n', isError ? {color: '#ff8f8f', fontWeight: 'bold'} : {}));
        });
        return list;
    }

    function part(name, text, style) {
        var element = document.createElement(name);
        element.textContent = text;
        Object.assign(element.style, style);
        return element;
    }
})();
