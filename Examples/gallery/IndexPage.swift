/// The page at `/`: a card with a sentence and the source code for each app.
///
/// Its links are relative, so it also works behind a proxy's path prefix.
func indexPage(of entries: [Entry]) -> String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>dash-swift gallery</title>
    <link rel="icon" href="\(icon)">
    <style>\(style)</style>
    </head>
    <body>
    <header>
    <h1>Dash in Swift</h1>
    <p>Each page below is one short Swift file. Most start a job in a worker process; the page shows its progress,
    can cancel it, and receives the result.</p>
    </header>
    <main>
    \(entries.map(card).joined(separator: "\n"))
    </main>
    </body>
    </html>
    """
}

private func card(_ entry: Entry) -> String {
    """
    <article id="\(escaped(entry.name))">
    <h2><a href="\(escaped(entry.name))/">\(escaped(entry.title))</a></h2>
    <p>\(escaped(entry.sentence))</p>
    <p class="path"><a href="\(escaped(entry.name))/">/\(escaped(entry.name))/</a></p>
    <details><summary>Source</summary><pre><code>\(escaped(entry.source))</code></pre></details>
    </article>
    """
}

/// Escapes `text` for HTML text and quoted attributes.
func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
        switch character {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        default: result.append(character)
        }
    }
    return result
}

// A data URL: without an icon the browser requests one and logs an error.
private let icon = """
    data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' \
    rx='4' fill='%23f05138'/%3E%3Crect x='3' y='6.5' width='7' height='3' rx='1.5' fill='white'/%3E%3Ccircle cx='12' \
    cy='8' r='1.5' fill='white'/%3E%3C/svg%3E
    """

private let style = """

    :root { color-scheme: light dark; --ink: #1c1e21; --soft: #5c636b; --line: #dfe3e8; --card: #fff; --page: #f5f6f8;
      --accent: #d8401f; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #eceef0; --soft: #a0a7af; --line: #32373d; --card: #1d2125; --page: #14171a; --accent: #ff7a5c; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
    header, main { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
    header { padding-top: 3rem; padding-bottom: 1rem; }
    header p { max-width: 42rem; color: var(--soft); margin: .5rem 0 0; }
    h1 { margin: 0; font-size: 2rem; letter-spacing: -.02em; }
    h2 { margin: 0; font-size: 1.1rem; }
    a { color: inherit; text-decoration: none; }
    a:hover, .path a { color: var(--accent); }
    main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1rem;
      padding-top: 1rem; padding-bottom: 4rem; align-items: start; }
    article { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.1rem 1.25rem; }
    article:has(details[open]) { grid-column: 1 / -1; }
    article p { margin: .35rem 0 0; color: var(--soft); }
    .path { font: .9rem ui-monospace, monospace; }
    details { margin-top: .75rem; border-top: 1px solid var(--line); padding-top: .6rem; }
    summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
    pre { overflow-x: auto; margin: .6rem 0 0; font: .82rem/1.5 ui-monospace, monospace; }

    """
