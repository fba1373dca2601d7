@_exported public import CeleryProtocol
