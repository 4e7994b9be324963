import { host } from '$host';
import { mount } from 'svelte';

import App from './App.svelte';
import { speak, wished } from './lib/say.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has the element that the window is mounted on');

// Until the host says which language it speaks.
speak(wished(navigator.languages));
mount(App, { target, props: { host } });
