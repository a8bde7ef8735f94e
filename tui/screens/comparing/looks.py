"""How the Compare screen is laid out: side by side from a hundred columns on, stacked below; where one reads, that grows."""

STYLES = """
CompareScreen { layers: base above; }
CompareScreen > #head { height: auto; margin: 1 0 0 0; }
CompareScreen > #sections { height: 1; margin: 1 0; }
CompareScreen > #compared { height: 1fr; layout: horizontal; }
CompareScreen #listed { width: 3fr; height: 1fr; }
CompareScreen #columns { height: 1; display: none; }
CompareScreen #behind { width: 2fr; height: 1fr; margin-left: 1; }
CompareScreen.-evidence #columns { display: block; }
CompareScreen.-evidence #listed { width: 2fr; }
CompareScreen.-evidence #behind { width: 1fr; }
CompareScreen.-data #listed, CompareScreen.-differences #listed { width: 2fr; }
CompareScreen.-data #behind, CompareScreen.-differences #behind { width: 3fr; }
CompareScreen.-narrow > #head, CompareScreen.-narrow > #sections { margin: 0; }
CompareScreen.-narrow > #compared { layout: vertical; }
CompareScreen.-narrow #listed { width: 1fr; height: 1fr; min-height: 4; }
CompareScreen.-narrow #behind { width: 1fr; height: 1fr; min-height: 3; margin: 0; }
CompareScreen.-narrow.-data #listed, CompareScreen.-narrow.-differences #listed { width: 1fr; height: 2fr; }
CompareScreen.-narrow.-data #behind, CompareScreen.-narrow.-differences #behind { width: 1fr; height: 3fr; }
CompareScreen.-narrow #behind:focus-within { height: 4fr; }
CompareScreen > #under-way { dock: bottom; height: auto; margin-bottom: 1; display: none; }
CompareScreen.-under-way > #under-way { display: block; }
CompareScreen.-blank > #head, CompareScreen.-blank > #sections, CompareScreen.-blank > #compared { display: none; }
"""
