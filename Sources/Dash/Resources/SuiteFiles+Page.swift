extension SuiteFiles {
    /// The URLs of the scripts that stand at one place of the page, in order, with fingerprints.
    ///
    /// A page loads those of `.dependencies`, then external scripts, those of `.suite`, the app's assets, those of
    /// `.core`.
    ///
    /// - Parameters:
    ///   - place: Which of them.
    ///   - prefix: The prefix of every request the browser makes, with a slash at both ends.
    ///   - development: Whether the page wants development builds, with names and warnings of React.
    package func scripts(_ place: SuiteManifest.Place, prefix: String, development: Bool = false) -> [String] {
        manifests.filter { $0.place == place }.flatMap { manifest in
            manifest.scripts
                .compactMap { development ? $0.development ?? $0.path : $0.path }
                .map { url(of: $0, in: manifest, prefix: prefix) }
        }
    }

    /// The URLs of the suites' style sheets, in order, with fingerprints.
    ///
    /// - Parameter prefix: The prefix of every request the browser makes, with a slash at both ends.
    package func styles(prefix: String) -> [String] {
        manifests.flatMap { manifest in manifest.styles.map { url(of: $0, in: manifest, prefix: prefix) } }
    }

    private func url(of path: String, in manifest: SuiteManifest, prefix: String) -> String {
        let marked = Fingerprint.mark(path, version: manifest.version, time: fingerprintTime)
        return "\(prefix)_dash-component-suites/\(manifest.package)/\(marked)"
    }
}
