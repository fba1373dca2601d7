/// Small Python programs, run with `python3 -c`.
enum PythonScript {
    /// Prunes a folder of unpacked wheels to what is served, and writes gzip forms.
    ///
    /// Arguments: the folder, and a JSON object with the files to keep of those packages of which that is known.
    static let prepare = #"""
        import gzip, json, os, shutil, sys
        root, known = sys.argv[1], json.loads(sys.argv[2])
        always = ("metadata.json", "package-info.json", "favicon.ico")
        served = (".js", ".mjs", ".css", ".map", ".json", ".svg", ".png", ".jpg", ".gif", ".ico", ".wasm",
                  ".woff", ".woff2", ".ttf", ".otf", ".eot")
        texts = (".js", ".mjs", ".css", ".map", ".svg")

        def keep(package, relative):
            name = relative.rsplit("/", 1)[-1]
            if package in known:
                return relative in known[package] or (name in always and package != "plotly")
            return name.endswith(served)

        for top in os.listdir(root):
            path = os.path.join(root, top)
            if top in ("bin", "etc", "share") or top.startswith("_"):
                shutil.rmtree(path)
            elif os.path.isdir(path) and not top.endswith(".dist-info"):
                for folder, folders, files in os.walk(path, topdown=False):
                    for name in files:
                        file = os.path.join(folder, name)
                        relative = os.path.relpath(file, path).replace(os.sep, "/")
                        if os.path.islink(file) or not keep(top, relative):
                            os.remove(file)
                        elif name.endswith(texts) and os.path.getsize(file) > 1024:
                            with open(file, "rb") as source, open(file + ".gz", "wb") as out:
                                with gzip.GzipFile("", "wb", 9, out, 0) as packed:
                                    shutil.copyfileobj(source, packed)
                    if not os.listdir(folder):
                        os.rmdir(folder)
        """#
}
