/// `children_props` of the page of stock Dash 4.4.1.
let stockChildrenProps = #"""
    {"dash_core_components":{"Clipboard":["copied_children"],"ConfirmDialog":[],"ConfirmDialogProvider":[],\#
    "Download":[],"Geolocation":[],"Graph":[],"Interval":[],"Link":[],"Location":[],"Markdown":[],"Store":[],\#
    "Upload":[],"Button":[],"Checklist":[],"DatePickerRange":[],"DatePickerSingle":[],"Dropdown":[],"Input":[],\#
    "Loading":["custom_spinner"],"RadioItems":[],"RangeSlider":[],"Slider":[],"Tab":["label"],"Tabs":[],\#
    "Textarea":[],"Tooltip":[]},"dash_html_components":{"A":[],"Abbr":[],"Acronym":[],"Address":[],"Area":[],\#
    "Article":[],"Aside":[],"Audio":[],"B":[],"Base":[],"Basefont":[],"Bdi":[],"Bdo":[],"Big":[],"Blink":[],\#
    "Blockquote":[],"Br":[],"Button":[],"Canvas":[],"Caption":[],"Center":[],"Cite":[],"Code":[],"Col":[],\#
    "Colgroup":[],"Content":[],"Data":[],"Datalist":[],"Dd":[],"Del":[],"Details":[],"Dfn":[],"Dialog":[],\#
    "Div":[],"Dl":[],"Dt":[],"Em":[],"Embed":[],"Fieldset":[],"Figcaption":[],"Figure":[],"Font":[],"Footer":[],\#
    "Form":[],"Frame":[],"Frameset":[],"H1":[],"H2":[],"H3":[],"H4":[],"H5":[],"H6":[],"Header":[],"Hgroup":[],\#
    "Hr":[],"I":[],"Iframe":[],"Img":[],"Ins":[],"Kbd":[],"Keygen":[],"Label":[],"Legend":[],"Li":[],"Link":[],\#
    "Main":[],"MapEl":[],"Mark":[],"Marquee":[],"Meta":[],"Meter":[],"Nav":[],"Nobr":[],"Noscript":[],\#
    "ObjectEl":[],"Ol":[],"Optgroup":[],"Option":[],"Output":[],"P":[],"Param":[],"Picture":[],"Plaintext":[],\#
    "Pre":[],"Progress":[],"Q":[],"Rb":[],"Rp":[],"Rt":[],"Rtc":[],"Ruby":[],"S":[],"Samp":[],"Script":[],\#
    "Section":[],"Select":[],"Shadow":[],"Slot":[],"Small":[],"Source":[],"Spacer":[],"Span":[],"Strike":[],\#
    "Strong":[],"Sub":[],"Summary":[],"Sup":[],"Table":[],"Tbody":[],"Td":[],"Template":[],"Textarea":[],\#
    "Tfoot":[],"Th":[],"Thead":[],"Time":[],"Title":[],"Tr":[],"Track":[],"U":[],"Ul":[],"Var":[],"Video":[],\#
    "Wbr":[],"Xmp":[]},"dash_table":{"DataTable":[]}}
    """#
