import DashJSON

extension PropertyReader where Value == [UploadedFile] {
    init(files upload: dcc.UploadRef, maximumSize: Int) {
        let contents = PropertyRef(upload.contents)
        let companions = [PropertyRef(upload.filename), PropertyRef(upload.lastModified)]
        self.init(ref: contents, companions: companions, companionsRun: false) { arguments in
            try UploadedFile.all(
                contents: arguments.next(),
                names: arguments.next(),
                lastModified: arguments.next(),
                maximumSize: maximumSize
            )
        }
    }
}

extension PropertyReader where Value == PageLocation {
    init(location: dcc.LocationRef) {
        let companions = [PropertyRef(location.search), PropertyRef(location.hash), PropertyRef(location.href)]
        self.init(ref: PropertyRef(location.pathname), companions: companions, companionsRun: true) { arguments in
            try PageLocation(
                pathname: String?(json: arguments.next()),
                search: String?(json: arguments.next()),
                hash: String?(json: arguments.next()),
                href: String?(json: arguments.next())
            )
        }
    }
}

extension Input where Value == [UploadedFile] {
    /// The files of an upload, of one with `multiple: true` too; none before the first.
    ///
    /// Reads `contents`, and beside it `filename` and `last_modified`; a new upload runs the callback once.
    ///
    /// - Parameters:
    ///   - upload: The component.
    ///   - maximumSize: The most bytes one file may have.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component.
    public init(
        files upload: dcc.UploadRef,
        maximumSize: Int = UploadedFile.defaultMaximumSize,
        allowOptional: Bool = false
    ) {
        self.init(reader: PropertyReader(files: upload, maximumSize: maximumSize), isOptional: allowOptional)
    }
}

extension State where Value == [UploadedFile] {
    /// The files of an upload, of one with `multiple: true` too; none before the first.
    ///
    /// - Parameters:
    ///   - upload: The component.
    ///   - maximumSize: The most bytes one file may have.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component.
    public init(
        files upload: dcc.UploadRef,
        maximumSize: Int = UploadedFile.defaultMaximumSize,
        allowOptional: Bool = false
    ) {
        self.init(reader: PropertyReader(files: upload, maximumSize: maximumSize), isOptional: allowOptional)
    }
}

extension Input where Value == PageLocation {
    /// The address of the page, whose every change runs the callback: path, query, hash and the whole.
    ///
    /// - Parameters:
    ///   - location: The component.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component.
    public init(location: dcc.LocationRef, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(location: location), isOptional: allowOptional)
    }
}

extension State where Value == PageLocation {
    /// The address of the page: path, query, hash and the whole.
    ///
    /// - Parameters:
    ///   - location: The component.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component.
    public init(location: dcc.LocationRef, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(location: location), isOptional: allowOptional)
    }
}
