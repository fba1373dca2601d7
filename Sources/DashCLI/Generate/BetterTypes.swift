/// Better types for properties of which a suite says too little: kept by hand.
enum BetterTypes {
    /// The type of a property that is in the table.
    static func type(of prop: String, in component: String, namespace: String) -> PropType? {
        table["\(namespace).\(component).\(prop)"]
    }

    private static let table: [String: PropType] = [
        // HTML attributes are text, also those that the suite lets be numbers.
        "dash_html_components.Progress.value": .text,
        "dash_html_components.Progress.max": .text,
        "dash_html_components.Meter.value": .text,
        "dash_html_components.Meter.min": .text,
        "dash_html_components.Meter.max": .text,
        // What a text field holds; a field of type number is read with `.as(Double?.self)`.
        "dash_core_components.Input.value": .anyRead(as: .text),
        "dash_core_components.Input.type": .text,
        "dash_core_components.Input.list": .text,
        // One choice; several are read with `.as([String].self)`.
        "dash_core_components.Dropdown.value": .anyRead(as: .text),
        "dash_core_components.RadioItems.value": .anyRead(as: .text),
        "dash_core_components.Checklist.value": .anyRead(as: .texts),
        "dash_core_components.Slider.step": .number,
        "dash_core_components.Slider.value": .number,
        "dash_core_components.RangeSlider.step": .number,
        "dash_core_components.RangeSlider.value": .numbers,
        "dash_core_components.Slider.marks": .object,
        "dash_core_components.RangeSlider.marks": .object,
        "dash_core_components.Slider.tooltip": .object,
        "dash_core_components.RangeSlider.tooltip": .object,
        "dash_core_components.Graph.figure": .figure,
        "dash_core_components.Graph.clickData": .plain("GraphEvent", "what was clicked, with its points"),
        "dash_core_components.Graph.hoverData": .plain("GraphEvent", "what the pointer is over, with its points"),
        "dash_core_components.Graph.selectedData": .plain("GraphSelection", "the selected points"),
        "dash_core_components.Graph.relayoutData": .plain("RelayoutData", "changes of the layout"),
        "dash_core_components.Graph.restyleData": .plain("RestyleData", "changes of the traces"),
        "dash_core_components.Store.storage_type": .plain("StorageType", "where the data is kept"),
        "dash_core_components.Download.data": .plain("FileDownload", "a file to save"),
        // True, false, or the text `callback-nav`.
        "dash_core_components.Location.refresh": .anyRead(as: .any),
        "dash_core_components.Upload.contents": .anyRead(as: .text),
        "dash_core_components.Upload.filename": .anyRead(as: .text),
        "dash_core_components.Upload.last_modified": .anyRead(as: .number),
        "dash_core_components.Clipboard.n_clicks": .integer,
        "dash_core_components.Button.type": .text,
        "dash_core_components.DatePickerSingle.date": .text,
        "dash_core_components.DatePickerRange.start_date": .text,
        "dash_core_components.DatePickerRange.end_date": .text,
        "dash_table.DataTable.selected_rows": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_viewport_indices": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_virtual_indices": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_viewport_selected_rows": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_virtual_selected_rows": .plain("[Int]", "a list of whole numbers"),
        // The rows that are selected; the property also takes objects that select rows by a function or by ids.
        "dash_ag_grid.AgGrid.selectedRows": .anyRead(as: .list),
    ]
}
