// The editor of networks with its code surface: a file of its own, which only its page loads.
import './editor/network-graph.js';
import './editor/network-editor.js';
